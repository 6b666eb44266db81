"""The record of a decision: ids from what it was made with, the same bytes for ever, no name, and back again."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from deciding import GOOD, GRADES, ON, PROVENANCE, RECEIVABLES, LinearModel, features_of, positions_of, shipped
from riskscore.decisions import canonical_bytes, from_record
from riskscore.scoring import decide_rows, not_scored, replay

CANARY = "Kanarienvogel & Söhne"


def decided(model=None, values=None, **facts):
    frame, standing = features_of("acme", **(GOOD | (values or {}))), positions_of("acme", **facts)
    answer = decide_rows(frame, standing, model, GRADES, shipped(), receivables=RECEIVABLES, provenance=PROVENANCE)
    return answer[0]


EVERY_KIND = {
    "scored": lambda: decided(LinearModel()),
    "with-every-fact": lambda: decided(
        LinearModel(),
        tangible_net_worth=Decimal("5.10"),
        insured_amount=Decimal(7),
        insured_share=0.9,
        insurer_days=45,
        insurer="Atlas",
        collateral_amount=Decimal(9),
    ),
    "in-default": lambda: decided(LinearModel(), in_default=True),
    "referred": lambda: decided(LinearModel(spread=3.0)),
    "no-history": lambda: decided(LinearModel(), n_paid_invoices=0),
    "no-model": lambda: decided(None),
    "not-scored": lambda: not_scored("acme", "internal_error", PROVENANCE, "EUR"),
    "missing-values": lambda: decided(LinearModel(), {"current_ratio": None, "industry": None}),
}


@pytest.mark.parametrize("make", EVERY_KIND.values(), ids=EVERY_KIND)
def test_record_gives_the_decision_back(make):
    decision = make()
    again = from_record(json.loads(decision.to_bytes()), PROVENANCE)

    assert again == decision
    assert again.to_bytes() == decision.to_bytes()


@pytest.mark.parametrize("make", EVERY_KIND.values(), ids=EVERY_KIND)
def test_record_holds_no_name(make):
    assert CANARY not in decided(LinearModel(), name=CANARY).to_bytes().decode()
    assert "Acme" not in make().to_bytes().decode()


def test_money_in_the_record_is_exact_text():
    record = json.loads(decided(LinearModel(), exposure=Decimal("120000.10")).to_bytes())

    assert record["exposure"] == "120000.10"
    assert all(isinstance(cap["amount"], str) for cap in record["recommendation"]["caps"])


def test_chain_in_the_record_adds_up_to_the_log_odds():
    chain = json.loads(decided(LinearModel()).to_bytes())["chain"]

    assert chain["base"] + sum(added for _, added in chain["features"].values()) == pytest.approx(chain["log_odds"], abs=1e-9)


def test_id_follows_from_the_manifest_and_the_customer_alone():
    one, other = decided(LinearModel()), decided(LinearModel(base=-1.0))

    assert one.decision_id == other.decision_id == PROVENANCE.decision_id("acme")
    assert len(one.decision_id) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"as_of": ON.replace(day=29)}, {"book": "0" * 64}, {"model": None}, {"recipe": "0" * 64}, {"policy": "0" * 64},
        {"grades": "0" * 64}, {"catalogue": "0" * 64}, {"code": "2"}, {"statutes": "0" * 64},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_another_ingredient_is_another_run_and_another_id(change):
    other = replace(PROVENANCE, **change)

    assert other.run_id != PROVENANCE.run_id
    assert other.decision_id("acme") != PROVENANCE.decision_id("acme")


def test_ids_of_customers_do_not_run_into_the_manifest():
    assert PROVENANCE.decision_id("a") != PROVENANCE.decision_id("b")
    assert PROVENANCE.decision_id("0012") != PROVENANCE.decision_id("12")


def test_record_says_what_the_insurer_covers_only_where_it_is_known():
    """So a record made before the register asked for it keeps its bytes, and is replayed to them."""
    plain = decided(LinearModel(), insured_amount=Decimal(7))
    covered = decided(LinearModel(), insured_amount=Decimal(7), insurer_days=45, insurer="Atlas")
    before, after = (json.loads(each.to_bytes())["case"] for each in (plain, covered))

    assert set(after) - set(before) == {"insurer_days", "insurer"}
    assert (after["insurer_days"], after["insurer"]) == (45, "Atlas")


def test_record_of_another_run_is_refused():
    record = json.loads(decided(LinearModel()).to_bytes())

    with pytest.raises(ValueError, match="is not of run"):
        from_record(record, replace(PROVENANCE, code="2"))
    with pytest.raises(ValueError, match="in version 2"):
        from_record({**record, "version": 1}, PROVENANCE)


def test_canonical_bytes_do_not_depend_on_the_order_of_keys_and_hold_no_nan():
    assert canonical_bytes({"b": 0.1, "a": "ä"}) == canonical_bytes({"a": "ä", "b": 0.1}) == '{"a":"ä","b":0.1}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_bytes({"a": float("nan")})


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_record_replayed_with_what_it_was_made_with_is_the_same_bytes(kind):
    models = {"referred": LinearModel(spread=3.0), "no-model": None}
    provenance = replace(PROVENANCE, model=None, recipe=None) if kind == "no-model" else PROVENANCE
    decision = from_record(json.loads(replace(EVERY_KIND[kind](), provenance=provenance).to_bytes()), provenance)

    assert replay(decision, models.get(kind, LinearModel()), GRADES, shipped()).to_bytes() == decision.to_bytes()


def test_replay_with_another_formula_shows_the_difference():
    decision = decided(LinearModel())

    assert replay(decision, LinearModel(base=-1.0), GRADES, shipped()) != decision


@pytest.mark.parametrize(
    ("model", "params", "named"),
    [(None, shipped(), "model"), (LinearModel(), replace(shipped(), digest="0" * 64), "policy")],
    ids=["model", "policy"],
)
def test_replay_with_another_model_or_policy_is_refused(model, params, named):
    with pytest.raises(ValueError, match=f"was made with {named}"):
        replay(decided(LinearModel()), model, GRADES, params)
