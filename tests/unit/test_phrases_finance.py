"""What finance is told is in both languages, with the same placeholders, and nothing is kept that nobody says."""

import re
import string
from pathlib import Path
from typing import get_args

from riskscore.allocation import Code
from riskscore.insurance import AlarmCode, FaultCode
from riskscore.phrases import LANGUAGES
from riskscore.phrases.finance import SAYINGS
from riskscore.review_calendar import Risk, Trigger, Why

PAGES = Path(__file__).resolve().parents[2] / "pipelines" / "riskscore_pipelines"
BUILT = (
    "age_",
    "made_",
    "step_",
    "alarm_",
    "kind_",
    "fault_",
    "budget_",
    "price_of_",
    "point_of_",
    "risk_",
    "why_",
    "trigger_",
    "action_",
    "measure_",
)
"""Keys that are put together from a stem and a code."""


def placeholders(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


def test_both_languages_say_the_same_with_the_same_facts():
    english, chinese = (SAYINGS[lang] for lang in LANGUAGES)

    assert english.keys() == chinese.keys()
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in chinese.items()
    }


def test_chinese_is_chinese():
    plain = [key for key, text in SAYINGS["zh"].items() if not re.search(r"[\u4e00-\u9fff]", text)]

    assert plain == []


def test_nothing_is_kept_that_no_page_says():
    used = "".join(path.read_text("utf-8") for path in [*PAGES.rglob("*.py"), *(PAGES / "finance").glob("*.j2")])

    assert [key for key in SAYINGS["en"] if not re.search(rf"[\"']{key}[\"']", used) and not key.startswith(BUILT)] == []


def test_every_trigger_reason_and_alarm_has_its_words():
    codes = {
        **{f"trigger_{code}": None for code in get_args(Trigger)},
        **{f"why_{code}": None for code in get_args(Why) if code != "event"},
        **{f"risk_{code}": None for code in get_args(Risk)},
        **{f"alarm_{code}": None for code in get_args(AlarmCode)},
        **{f"fault_{code}": None for code in get_args(FaultCode)},
        **{f"budget_{code}": None for code in get_args(Code)},
    }

    assert [key for key in codes if key not in SAYINGS["en"]] == []
