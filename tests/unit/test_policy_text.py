"""The policy as signed text: what is refused, by which line and key, and which dated number holds when."""

import hashlib
import re
from datetime import date
from decimal import Decimal

import pytest

from deciding import POLICY
from riskscore.errors import UsageRefused
from riskscore.policy import PARAMETERS, Amount, Params, parse
from riskscore.policy.entries import read_entries
from riskscore.policy.text import lapses
from riskscore_pipelines.main import run_verb

TEXT = POLICY.read_text()
ON = date(2026, 6, 30)


def edited(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def added(entry: str) -> str:
    return TEXT + "\n" + entry


MARGIN = """[[profit.margin]]
from = 2000-01-01
value = 0.20
"""
SIGNED = 'source = "committee"\nreason = "test"\n'
HARD = f'[[ceiling.hard]]\nfrom = 2026-01-01\nvalue = 5\nunit = "EUR"\n{SIGNED}'


def test_shipped_policy_holds_on_the_dates_of_all_public_ledgers():
    for year in (2005, 2013, 2018, 2026):
        assert parse(TEXT, on=date(year, 6, 30)).new_customer_volume_share == Decimal("0.15")


def test_every_parameter_is_an_attribute_and_every_attribute_is_known():
    own = {"digest", "sources", "manual_caps", "statutes", "statutes_digest"}

    assert {parameter.field for parameter in PARAMETERS.values()} == set(Params.__dataclass_fields__) - own


def test_every_number_of_the_shipped_policy_is_signed():
    for entry in read_entries(TEXT):
        assert len(entry.source) > 10
        assert len(entry.reason) > 10


@pytest.mark.parametrize(
    ("text", "marker", "message"),
    [
        pytest.param(edited(MARGIN, MARGIN + "vaule = 3\n"), "vaule", "profit.margin.vaule unknown key; perhaps value", id="unknown-key"),
        pytest.param(TEXT.replace("[[profit.margin]]", "[[profit.margn]]"), "[[profit.margn", "perhaps profit.margin", id="unknown-number"),
        pytest.param(added("[[profits.x]]\nvalue = 1"), "[[profits.x", "profits unknown section; perhaps profit", id="unknown-section"),
        pytest.param(edited(MARGIN, MARGIN.replace("0.20", "1.01")), "value = 1.01", "between 0 and 1", id="out-of-range"),
        pytest.param(edited(MARGIN, MARGIN.replace("0.20", '"0.2"')), 'value = "0.2"', "must be a number", id="text-for-a-number"),
        pytest.param(edited(MARGIN, MARGIN.replace("0.20", "true")), "value = true", "must be a number", id="flag-for-a-number"),
        pytest.param(edited(MARGIN, MARGIN.replace("0.20", "nan")), "value = nan", "must be a number", id="not-a-number"),
        pytest.param(edited(MARGIN, MARGIN.replace("2000-01-01", '"2000"')), 'from = "2000"', "must be a date", id="date-in-quotes"),
        pytest.param(edited(MARGIN, MARGIN + "until = 1999-12-31\n"), "until = 1999", "is before from", id="ends-before-it-begins"),
        pytest.param(edited(MARGIN + 'unit = "share of sales"', MARGIN + 'unit = "percent"'), 'unit = "percent"', "must be share of sales", id="wrong-unit"),
        pytest.param(edited(MARGIN + 'unit = "share of sales"\n', MARGIN), MARGIN, "has no unit", id="no-unit"),
        pytest.param(edited(MARGIN + 'unit = "share of sales"\nsource', MARGIN + 'unit = "share of sales"\nsauce'), "sauce", "perhaps source",
                     id="misspelt-source"),
        pytest.param(added(HARD.replace('source = "committee"\n', "")), "[[ceiling.hard]]\nfrom = 2026-01-01", "has no source", id="no-source"),
        pytest.param(added(HARD.replace('"committee"', '" "')), 'source = " "', "must be text, and not empty", id="empty-source"),
        pytest.param(added(HARD.replace('"EUR"', '"Euro"')), 'unit = "Euro"', "ISO 4217 currency, not 'Euro'", id="not-a-currency"),
        pytest.param(added("[ceiling.soft]\nvalue = 1"), "[ceiling.soft", "unknown key", id="unknown-table"),
        pytest.param(edited("0.90, 0.75, 0.50, 0, 0, 0", "0.75, 0.90, 0.50, 0, 0, 0"), "value = [1.00", "rises with risk", id="loosens-the-multiple"),
        pytest.param(edited("45, 45, 30, 30", "30, 30, 45, 45"), "value = [60, 60, 30", "lengthens with risk", id="longer-terms-for-worse"),
        pytest.param(edited('"prepayment", "stop"]', '"stop", "prepayment"]'), "value = [60", "lengthens with risk", id="sells-in-default"),
        pytest.param(edited("30, 30, 15,", "30, 30,"), 'value = [60, 60, 45, 45, 30, 30, "pre', "list of 10 values", id="nine-grades"),
        pytest.param(edited("30, 30, 15,", '30, 30, "cash",'), 'value = [60, 60, 45, 45, 30, 30, "cash"', "holds 'cash'", id="unknown-terms"),
        pytest.param(edited("30, 30, 15,", "30, 30, 10,"), "[[terms.secured]]", "is 15 days, but a better grade gets 10",
                     id="security-beats-a-better-grade"),
        pytest.param(edited("{ from = 1.1, share = 0.75 }", "{ from = 1.1, share = 1.1 }"), "value = [{ from = 2.6", "between 0 and 1", id="step-above-all"),
        pytest.param(edited("{ from = 1.1, share = 0.75 }, { share = 0.5 }", "{ from = 1.1, share = 0.5 }, { share = 0.75 }"), "value = [{ from = 2.6", "rises with risk", id="worse-accounts-get-more"),
        pytest.param(edited("{ from = 2.6, share = 1 }, { from = 1.1,", "{ from = 1.1, share = 1 }, { from = 2.6,"), "value = [{ from = 1.1", "from the best step to the worst", id="steps-out-of-order"),
        pytest.param(edited("{ up_to = 1, share = 1 }, { up_to = 2, share = 0.75 }", "{ up_to = 2, share = 1 }, { up_to = 1, share = 0.75 }"), "value = [{ up_to = 2", "from the best step to the worst", id="more-signs-first"),
        pytest.param(edited("{ from = 1.1, share = 0.75 }, { share = 0.5 }", "{ from = 1.1, share = 0.75 }"), "value = [{ from = 2.6", "only the last, for all the rest, has share alone", id="steps-without-a-rest"),
        pytest.param(edited("{ up_to = 13, share = 1 }", "{ from = 13, share = 1 }"), "value = [{ from = 13", "a step has up_to and share", id="bound-of-the-wrong-side"),
        pytest.param(edited("net_90 = 1.07\n", ""), "[[terms.volume_shares]]", "must name a share for each of prepayment", id="option-without-a-share"),
        pytest.param(edited("net_90 = 1.07\n", "net_90 = 1.07\nnet_75 = 1.06\n"), "[[terms.volume_shares]]", "and for nothing else", id="option-of-no-menu"),
        pytest.param(edited('["public authority", ', '["", '), 'value = ["", "public body"', "list of texts, none of them empty", id="form-without-a-name"),
        pytest.param(edited('value = 3\nunit = "months"', 'value = 13\nunit = "months"'), "[[review.medium_months]]", "looks at worse risk less often", id="medium-risk-after-low"),
        pytest.param(edited('"conservative"', '"bold"'), 'value = "bold"', "must be one of conservative, aggressive", id="unknown-choice"),
        pytest.param(added(HARD + "\n" + HARD.replace("value = 5", "value = 6")), HARD.replace("value = 5", "value = 6"), "claims 2026-01-01",
                     id="same-day-twice"),
        pytest.param(
            added(HARD.replace("value", "until = 2026-03-01\nvalue") + "\n" + HARD.replace("from = 2026-01-01", "from = 2026-03-01")),
            "[[ceiling.hard]]\nfrom = 2026-03-01", "claims 2026-03-01", id="overlapping-dates",
        ),
        pytest.param(added(HARD.replace("[[ceiling.hard]]", "[[manual_cap]]")), "[[manual_cap]]", "has no customer_id", id="cap-on-nobody"),
    ],
)  # fmt: skip
def test_wrong_line_is_refused_by_line_and_key(text, marker, message):
    with pytest.raises(UsageRefused, match=re.escape(message)) as refused:
        parse(text, on=ON)

    assert str(refused.value).startswith(f"policy line {line_of(text, marker)}: ")
    assert refused.value.exit_status == 2


def test_text_that_is_not_toml_is_refused_with_its_line():
    with pytest.raises(UsageRefused, match=r"not TOML: .*line 2"):
        parse("a = 1\nb = = 2\n", on=ON)


def test_number_without_a_value_on_the_day_is_refused():
    with pytest.raises(
        UsageRefused, match=r"profit\.margin has no value in force on 1999-12-31|need\.assumed_terms has no value"
    ):
        parse(TEXT, on=date(1999, 12, 31))


@pytest.mark.parametrize(
    ("on", "margin"),
    [(date(2026, 6, 30), "0.20"), (date(2026, 7, 1), "0.15"), (date(2026, 9, 30), "0.15"), (date(2026, 10, 1), "0.20")],
)
def test_new_dated_line_holds_from_its_day_to_its_last_and_overwrites_nothing(on, margin):
    newer = f'[[profit.margin]]\nfrom = 2026-07-01\nuntil = 2026-09-30\nvalue = 0.15\nunit = "share of sales"\n{SIGNED}'

    assert parse(added(newer), on=on).profit_margin == Decimal(margin)


def test_a_required_number_that_ends_without_a_successor_is_told_with_its_day_and_an_optional_one_is_not():
    ends = edited(MARGIN, MARGIN.replace("value", "until = 2026-12-31\nvalue"))
    newer = f'\n[[profit.margin]]\nfrom = 2027-01-01\nuntil = 2027-06-30\nvalue = 0.15\nunit = "share of sales"\n{SIGNED}'
    no_rating = TEXT.replace("[[abnormal.rating_notch]]\n", "[[abnormal.rating_notch]]\nuntil = 2026-12-31\n")

    assert lapses(read_entries(TEXT), ON) == {}
    assert lapses(read_entries(ends), ON) == {"profit.margin": date(2027, 1, 1)}
    assert lapses(read_entries(ends + newer), ON) == {"profit.margin": date(2027, 7, 1)}
    assert lapses(read_entries(no_rating), ON) == {}


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "From 1 Jan 2027 on profit.margin has no value"), ("zh", "自2027年1月1日起profit.margin没有数值")]
)
def test_check_says_what_ends(lang, words, tmp_path, capsys):
    path = tmp_path / "policy.toml"
    path.write_text(edited(MARGIN, MARGIN.replace("value", "until = 2026-12-31\nvalue")), encoding="utf-8")

    assert run_verb("policy", ["check", str(path), "--on", str(ON), "--lang", lang]) == 0
    assert words in capsys.readouterr().out


def test_rule_without_a_value_is_off_and_on_from_its_day():
    assert parse(added(HARD), on=date(2025, 12, 31)).ceiling_hard is None
    assert parse(added(HARD), on=date(2026, 1, 1)).ceiling_hard == Amount(Decimal(5), "EUR")


def test_law_that_caps_the_terms_has_a_digest_of_its_own():
    law = (POLICY.parents[1] / "statutes.toml").read_text()
    without, given = parse(TEXT, on=ON), parse(TEXT, on=ON, law=law)

    assert (without.statutes, without.statutes_digest) == (None, None)
    assert given.statutes_digest == hashlib.sha256(law.encode()).hexdigest()
    assert given.digest == without.digest


def test_manual_cap_names_one_customer_and_ends_on_its_last_day():
    text = added(HARD.replace("[[ceiling.hard]]", '[[manual_cap]]\ncustomer_id = "0012"\nuntil = 2026-06-30'))

    assert parse(text, on=ON).manual_caps == {"0012": Amount(Decimal(5), "EUR")}
    assert parse(text, on=date(2026, 7, 1)).manual_caps == {}


def test_digest_is_that_of_the_text_and_amounts_name_their_currencies():
    params = parse(added(HARD), on=ON)

    assert params.digest != parse(TEXT, on=ON).digest
    assert params.currencies == {"EUR"}
    assert parse(TEXT, on=ON).currencies == frozenset()


def test_numbers_are_exact_decimals_not_floats():
    assert parse(TEXT, on=ON).loss_budget == Amount(Decimal("0.0001"), "share of annual sales")
