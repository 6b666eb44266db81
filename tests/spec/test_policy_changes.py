"""What two policies differ in: another text, another day; the number, from what to what, and who signed it."""

import json
from datetime import date
from decimal import Decimal

import pytest

from deciding import POLICY
from riskscore.errors import UsageRefused
from riskscore.policy import Amount, Steps, parse
from riskscore.policy.changes import changes_between
from riskscore.policy.entries import read_entries
from riskscore_pipelines.main import main, run_verb
from riskscore_pipelines.policy_values import said

TEXT = POLICY.read_text()
NEWER = """
[[profit.margin]]
from = 2026-07-01
value = 0.18
unit = "share of sales"
source = "credit committee, 2026-06-12"
reason = "margins fell"

[[manual_cap]]
customer_id = "0012"
from = 2026-07-01
until = 2026-12-31
value = 50000
unit = "EUR"
source = "A. Lee, B. Stern"
reason = "contract in dispute"
"""
SIGNED_ANEW = NEWER.replace("0.18", "0.20").partition("[[manual_cap]]")[0]


def changed(text: str, on: date, *, other_day: date | None = None) -> dict[str, tuple[object, object, str]]:
    found = changes_between(read_entries(TEXT), read_entries(text), on=(other_day or on, on))
    return {each.key: (each.before and each.before.value, each.after and each.after.value, each.signed_by) for each in found}


@pytest.mark.parametrize(
    ("on", "keys"),
    [
        (date(2026, 6, 30), set()),
        (date(2026, 7, 1), {"profit.margin", "manual_cap[0012]"}),
        (date(2026, 12, 31), {"profit.margin", "manual_cap[0012]"}),
        (date(2027, 1, 1), {"profit.margin"}),
    ],
    ids=["the-day-before", "the-first-day", "the-last-day-of-the-cap", "the-day-after"],
)
def test_a_change_shows_on_the_days_it_holds(on, keys):
    assert set(changed(TEXT + NEWER, on)) == keys


def test_a_change_says_from_what_to_what_and_who_signed():
    found = changed(TEXT + NEWER, date(2026, 7, 1))

    assert found["profit.margin"] == (Decimal("0.20"), Decimal("0.18"), "credit committee, 2026-06-12")
    assert found["manual_cap[0012]"][0] is None


def test_a_number_signed_anew_with_the_same_value_is_no_change():
    assert changed(TEXT + SIGNED_ANEW, date(2026, 7, 1)) == {}


def test_a_rule_that_is_switched_off_shows_who_had_signed_it():
    off = TEXT.replace(
        "[[abnormal.rating_notch]]\nfrom = 2000-01-01", "[[abnormal.rating_notch]]\nfrom = 2000-01-01\nuntil = 2026-06-30"
    )

    assert changed(off, date(2026, 7, 1))["abnormal.rating_notch"] == (22, None, "shipped default: D, SD or RD")


@pytest.fixture
def newer(tmp_path):
    path = tmp_path / "newer.toml"
    path.write_text(TEXT + NEWER, encoding="utf-8")
    return str(path)


def test_diff_is_told_in_both_languages_and_as_json(newer, capsys):
    assert run_verb("policy", ["diff", str(POLICY), newer, "--on", "2026-07-01"]) == 0
    english = capsys.readouterr().out
    assert run_verb("policy", ["diff", str(POLICY), newer, "--on", "2026-07-01", "--lang", "zh"]) == 0
    chinese = capsys.readouterr().out
    assert run_verb("policy", ["diff", str(POLICY), newer, "--on", "2026-07-01", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)

    assert "credit committee" in english
    assert "原值" in chinese
    assert "销售的边际贡献率" in chinese
    assert [each["key"] for each in plain["changes"]] == ["profit.margin", "manual_cap[0012]"]
    assert plain["changes"][0]["after"]["value"] == "0.18"
    assert plain["before"]["digest"] != plain["after"]["digest"]


def test_two_days_of_the_policy_that_decides_here_are_compared(newer, tmp_path, monkeypatch, capsys):
    own = tmp_path / "models" / "late_payment"
    own.mkdir(parents=True)
    (own / "policy.toml").write_text(TEXT + NEWER, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert run_verb("policy", ["diff", "2026-06-30", "2026-07-01", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["changes"]) == 2
    assert run_verb("policy", ["show", "--on", "2026-06-30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["in_force"]["profit.margin"]["value"] == "0.20"
    assert run_verb("policy", ["show", "--on", "2026-07-01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["in_force"]["profit.margin"]["source"] == "credit committee, 2026-06-12"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(Amount(Decimal("0.000001"), "share of annual sales"), "0.0001%", id="a-part-in-a-million"),
        pytest.param(Amount(Decimal(1), "share of annual sales"), "100%", id="all-of-the-sales"),
        pytest.param(Amount(Decimal("0.50"), "EUR"), "0.5", id="half-a-euro-is-no-share"),
        pytest.param(Amount(Decimal("1234567.80"), "EUR"), "1,234,567.8", id="money"),
        pytest.param(Steps(False, ((Decimal("1.10005"), Decimal("0.125")),), Decimal(0)), "≥ 1.10005: 12.5%; …: 0%", id="steps"),
        pytest.param((Decimal("0.12345"), Decimal(1)), "0.12345 1", id="shares-by-grade"),
        pytest.param((("net_30", Decimal("1.025")),), "net 30 days 102.5%", id="shares-by-name"),
        pytest.param(Decimal("1E+3"), "1,000", id="a-power-of-ten"),
    ],
)
def test_a_signed_number_is_shown_to_its_last_digit(value, shown):
    assert said(value, "en") == shown


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ["share a year", "digest "]), ("zh", ["占月采购额", "占年销售额", "0.0001%", "摘要"])],
)
def test_show_tells_units_and_the_whole_digest_in_both_languages(lang, words, capsys):
    assert run_verb("policy", ["show", "--on", "2026-06-30", "--lang", lang]) == 0
    told = capsys.readouterr().out

    assert [each for each in words if each not in told.replace("\n", "")] == []
    assert parse(TEXT, on=date(2026, 6, 30)).digest in told


@pytest.mark.parametrize(("lang", "unit"), [("en", "share of sales"), ("zh", "占销售额")])
def test_diff_tells_both_digests(newer, lang, unit, capsys):
    assert run_verb("policy", ["diff", newer, "--on", "2026-07-01", "--lang", lang]) == 0
    told = capsys.readouterr().out
    before, after = (parse(text, on=date(2026, 7, 1)).digest[:12] for text in (TEXT, TEXT + NEWER))

    assert before in told
    assert after in told
    assert unit in told


def test_diff_of_nothing_and_of_too_much_is_refused(newer):
    for arguments in (["diff"], ["diff", newer, newer, newer], ["show", newer, newer], ["diff", "nowhere.toml"]):
        with pytest.raises(UsageRefused):
            run_verb("policy", arguments)


def test_a_policy_that_loosens_with_risk_stops_diff_and_check_with_the_line(tmp_path, capsys):
    loose = tmp_path / "loose.toml"
    loose.write_text(TEXT.replace("0.90, 0.75, 0.50, 0, 0, 0", "0.75, 0.90, 0.50, 0, 0, 0"), encoding="utf-8")

    for action in ("check", "diff"):
        assert main(["policy", action, str(loose)]) == 2
        assert "rises with risk" in capsys.readouterr().err
