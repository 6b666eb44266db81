"""Every example in the docstrings and explanations of profit, terms, allocation, provision, insurance and Spiegelhalter's test runs as printed."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

MODULES = (
    "riskscore.profit", "riskscore.terms_menu.options", "riskscore.provision.rates", "riskscore.provision.reconciliation",
    "riskscore.insurance.covering", "riskscore.evaluation.trueness",
)  # fmt: skip
PAGES = ("profit-and-limit", "portfolio-allocation", "provision-bridge")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))

    assert (failed, tried > 0) == (0, True)


def run_page(text: str) -> tuple[int, int]:
    """Failures and examples of the fenced sessions of a page, run one after the other."""
    sessions = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    test = doctest.DocTestParser().get_doctest(sessions, {}, "page", None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=lambda _: None)
    return runner.failures, runner.tries


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_an_explanation_run(repository: Path, page: str) -> None:
    failed, tried = run_page((repository / "docs" / "explanation" / f"{page}.md").read_text("utf-8"))

    assert (failed, tried > 0) == (0, True)


def test_a_wrong_number_on_a_page_would_be_caught() -> None:
    assert run_page("```pycon\n>>> 1 + 1\n3\n\n```")[0] == 1
