"""Accounts, sessions and tokens over SQLite and PostgreSQL: who gets in, for how long, and that every change is on record."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from doors import PASSWORD, account
from riskscore.errors import StorageFailed, UsageRefused
from riskscore.stores import audit
from riskscore.stores.access import accounts, attempts, is_sign_on_required, passwords, sessions, tokens
from riskscore.stores.access.tables import ACCOUNTS, INVITATIONS, SESSIONS, TOKENS
from riskscore.stores.database import reading, writing

NOW = 1_000_000
HOUR = 3600


def sign_in(engine: sa.Engine, name: str, password: str = PASSWORD, *, source: str = "10.0.0.9", now: int = NOW):
    return sessions.sign_in(engine, name, password, source=source, now=now)


def whole(engine: sa.Engine) -> str:
    with reading(engine) as connection:
        return str(
            [connection.execute(sa.select(table)).all() for table in (ACCOUNTS, INVITATIONS, SESSIONS, TOKENS, audit.AUDIT)]
        )


def test_there_is_no_account_until_somebody_uses_the_one_time_token(engine):
    assert not is_sign_on_required(engine)
    token = accounts.invite_first(engine, now=NOW)

    assert is_sign_on_required(engine), "from the setup on nobody asks without"
    assert accounts.listed(engine) == []
    assert accounts.redeem(engine, token, PASSWORD, name="Ann@Corp.example", now=NOW) == "ann@corp.example"
    assert [(each.name, each.role, each.state) for each in accounts.listed(engine)] == [("ann@corp.example", "admin", "active")]
    with pytest.raises(UsageRefused, match="there are accounts already"):
        accounts.invite_first(engine, now=NOW)


@pytest.mark.parametrize(
    ("later", "twice"), [pytest.param(accounts.INVITATION_LASTS, False, id="too late"), pytest.param(1, True, id="twice")]
)
def test_a_one_time_token_holds_once_and_for_thirty_minutes(engine, later, twice):
    token = accounts.add(engine, "ann", "analyst", by="operator", now=NOW)
    if twice:
        accounts.redeem(engine, token, PASSWORD, name=None, now=NOW)

    with pytest.raises(UsageRefused, match="one-time token is not known"):
        accounts.redeem(engine, token, PASSWORD, name=None, now=NOW + later)


def test_a_newer_invitation_ends_the_older_one(engine):
    older, newer = accounts.invite_first(engine, now=NOW), accounts.invite_first(engine, now=NOW)

    with pytest.raises(UsageRefused, match="one-time token"):
        accounts.redeem(engine, older, PASSWORD, name="ann", now=NOW)
    assert accounts.redeem(engine, newer, PASSWORD, name="ann", now=NOW) == "ann"


@pytest.mark.parametrize("name", ["operator", "LOCAL", "a", "a b", "-ann", "an\nn", "änn", "x" * 101, ""])
def test_a_name_that_could_be_taken_for_another_is_refused(engine, name):
    with pytest.raises(UsageRefused, match="account: a name has"):
        accounts.add(engine, name, "viewer", by="operator", now=NOW)


def test_no_secret_lies_in_the_database(engine):
    account(engine, "ann", "analyst")
    secrets = [
        PASSWORD, sign_in(engine, "ann"), accounts.add(engine, "bob", "viewer", by="operator", now=NOW),
        tokens.issue(engine, "ann", "viewer", "export", days=1, by="operator", now=NOW),
    ]  # fmt: skip
    text = whole(engine)

    assert "argon2id" in text
    assert [secret for secret in secrets if str(secret) in text] == []


def test_a_session_is_new_at_every_sign_in_and_ends_by_itself(engine):
    account(engine, "ann", "analyst")
    first, second = sign_in(engine, "ann"), sign_in(engine, " Ann ")

    assert first != second
    assert sessions.owner(engine, second, now=NOW + sessions.IDLE - 1).name == "ann"
    assert sessions.owner(engine, first, now=NOW + sessions.IDLE) is None
    assert sessions.owner(engine, second, now=NOW + 2 * sessions.IDLE - 2) is not None, "it was used meanwhile"


def test_no_session_outlives_half_a_day_however_busy_it_is(engine):
    account(engine, "ann", "analyst")
    session = sign_in(engine, "ann")
    for minutes in range(20, 12 * 60, 20):
        assert sessions.owner(engine, session, now=NOW + minutes * 60) is not None

    assert sessions.owner(engine, session, now=NOW + sessions.ABSOLUTE) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda engine, _: sessions.end(engine, _, now=NOW), id="signed out"),
        pytest.param(
            lambda engine, _: accounts.set_disabled(engine, "ann", disabled=True, by="operator", now=NOW), id="disabled"
        ),
        pytest.param(lambda engine, _: accounts.change_role(engine, "ann", "viewer", by="operator", now=NOW), id="another role"),
        pytest.param(lambda engine, _: accounts.reset(engine, "ann", by="operator", now=NOW), id="password reset"),
    ],
)
def test_a_session_ends_at_once_when_the_account_changes(engine, change):
    account(engine, "ann", "analyst")
    session = sign_in(engine, "ann")
    change(engine, session)

    assert sessions.owner(engine, session, now=NOW) is None


def test_a_disabled_account_gets_in_by_no_way(engine):
    account(engine, "ann", "analyst")
    token = tokens.issue(engine, "ann", "viewer", "export", days=9, by="operator", now=NOW)
    accounts.set_disabled(engine, "ann", disabled=True, by="operator", now=NOW)

    assert sign_in(engine, "ann") is None
    assert tokens.bearer(engine, token, now=NOW) is None
    accounts.set_disabled(engine, "ann", disabled=False, by="operator", now=NOW)
    assert tokens.bearer(engine, token, now=NOW) is None, "a token that ended stays ended"


def test_ten_failures_have_to_wait_and_lock_nobody_else_out(engine):
    account(engine, "ann", "analyst")
    answers = [sign_in(engine, "ann", "wrong", now=NOW + second) for second in range(12)]

    assert answers == [None] * 10 + [attempts.WINDOW - 10, attempts.WINDOW - 11]
    assert sign_in(engine, "ann", source="10.0.0.10", now=NOW + 12), "from elsewhere the right person gets in"
    assert sign_in(engine, "ann", now=NOW + attempts.WINDOW), "and from there as soon as the first failure is old"


def test_fifty_attempts_at_once_are_fifty(engine):
    account(engine, "ann", "analyst")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sign_in(engine, "ann", "wrong"), range(50)))

    assert answers.count(None) == attempts.MOST_PER_ACCOUNT


def test_attempts_at_once_are_counted_one_by_one(engine):
    with ThreadPoolExecutor(8) as pool:
        for name in ("ann", "bob", "cat", "dan", "eve"):
            waits = list(pool.map(lambda _, name=name: attempts.begin_attempt(engine, name, f"of {name}", now=NOW), range(20)))
            assert waits.count(0) == attempts.MOST_PER_ACCOUNT


def test_one_machine_that_tries_many_names_has_to_wait_too(engine):
    for number in range(attempts.MOST_PER_SOURCE):
        assert attempts.begin_attempt(engine, f"name{number}", "10.0.0.9", now=NOW) == 0

    assert attempts.begin_attempt(engine, "another", "10.0.0.9", now=NOW) == attempts.WINDOW
    assert attempts.begin_attempt(engine, "another", "10.0.0.8", now=NOW) == 0


def test_an_unknown_name_costs_the_same_work(engine, monkeypatch):
    account(engine, "ann", "analyst")
    looked: list[bool] = []
    honest = passwords._hasher()

    class Counted:
        def verify(self, stored, plain):
            looked.append(True)
            return honest.verify(stored, plain)

        hash = staticmethod(honest.hash)

    monkeypatch.setattr(passwords, "_hasher", Counted)
    assert [sign_in(engine, "ann", "wrong"), sign_in(engine, "nobody", "wrong")] == [None, None]
    assert looked == [True, True]


def test_a_password_under_old_parameters_is_hashed_again_at_sign_in(engine):
    from argon2 import PasswordHasher

    account(engine, "ann", "analyst")
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    with writing(engine) as connection:
        connection.execute(sa.update(ACCOUNTS).values(password=weak))

    assert sign_in(engine, "ann")
    with reading(engine) as connection:
        assert "m=19456,t=2,p=1" in connection.execute(sa.select(ACCOUNTS.c.password)).scalar_one()
    assert sign_in(engine, "ann")


def test_a_token_speaks_for_its_account_within_both_their_rights_until_it_ends(engine):
    account(engine, "ann", "approver")
    token = tokens.issue(engine, "ann", "analyst", "onboarding", days=2, by="operator", now=NOW)

    assert token.startswith("rsk_")
    assert (tokens.bearer(engine, token, now=NOW).name, tokens.bearer(engine, token, now=NOW).role) == ("ann", "analyst")
    accounts.change_role(engine, "ann", "viewer", by="operator", now=NOW)
    assert tokens.bearer(engine, token, now=NOW).role == "viewer"
    assert tokens.bearer(engine, token, now=NOW + 48 * HOUR) is None
    assert tokens.bearer(engine, token[:-1], now=NOW) is None
    tokens.revoke(engine, token[4:16], by="operator", now=NOW)
    assert tokens.bearer(engine, token, now=NOW) is None
    assert [each.state for each in tokens.listed(engine, now=NOW)] == ["revoked"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"role": "approver", "days": 1}, "never approver"), ({"role": "admin", "days": 1}, "never admin"),
        ({"role": "viewer", "days": 367}, "1 to 366"), ({"role": "viewer", "days": 0}, "1 to 366"),
    ],
)  # fmt: skip
def test_no_machine_approves_and_no_token_is_for_ever(engine, asked, why):
    account(engine, "ann", "admin")

    with pytest.raises(UsageRefused, match=why):
        tokens.issue(engine, "ann", asked["role"], "x", days=asked["days"], by="operator", now=NOW)


def test_every_change_is_in_the_audit_log_with_who_did_it(engine):
    account(engine, "ann", "analyst")
    session = sign_in(engine, "ann")
    accounts.change_role(engine, "ann", "approver", by="operator", now=NOW)
    sessions.end(engine, session, now=NOW)

    assert [(event.actor, event.action) for event in audit.events(engine, subject="ann")] == [
        ("operator", "account.added"), ("ann", "account.password_chosen"), ("ann", "session.began"),
        ("operator", "account.role_changed"),
    ]  # fmt: skip
    assert audit.verify(engine) == 4


def test_what_is_not_recorded_did_not_happen(engine, monkeypatch):
    account(engine, "ann", "analyst")
    before = whole(engine)

    def full(*_, **__):
        raise StorageFailed("disk full")

    monkeypatch.setattr(accounts.audit, "append", full)
    for change in (
        lambda: accounts.change_role(engine, "ann", "admin", by="operator", now=NOW),
        lambda: accounts.reset(engine, "ann", by="operator", now=NOW),
        lambda: accounts.add(engine, "bob", "admin", by="operator", now=NOW),
        lambda: tokens.issue(engine, "ann", "viewer", "x", days=1, by="operator", now=NOW),
    ):
        with pytest.raises(StorageFailed):
            change()
    assert whole(engine) == before


@pytest.mark.parametrize("column", ["actor", "action", "subject", "facts", "recorded_at", "link", "sequence"])
def test_a_changed_row_of_the_audit_log_is_named(engine, column):
    account(engine, "ann", "analyst")
    account(engine, "bob", "analyst")
    forged = "9" if column == "sequence" else "'forged'"
    with writing(engine) as connection:
        for trigger in ("audit_no_update", "audit_append_only"):
            on = " on audit" if engine.dialect.name == "postgresql" else ""
            if (trigger == "audit_append_only") == bool(on):
                connection.execute(sa.text(f"drop trigger {trigger}{on}"))
        connection.execute(sa.text(f"update audit set {column} = {forged} where sequence = 2"))

    with pytest.raises(StorageFailed, match="row 2"):
        audit.verify(engine)


@pytest.mark.parametrize("statement", ["update audit set actor = 'x'", "delete from audit"])
def test_the_audit_log_is_append_only_for_the_application(engine, statement):
    account(engine, "ann", "analyst")

    with pytest.raises((sa.exc.IntegrityError, StorageFailed), match="append-only"), writing(engine) as connection:
        connection.execute(sa.text(statement))
