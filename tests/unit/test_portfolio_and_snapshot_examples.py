"""Every example in the docstrings of snapshot, positions and portfolio runs as printed."""

import doctest
import importlib

import pytest

MODULES = (
    "riskscore.positions",
    "riskscore.snapshot.calendar",
    "riskscore.snapshot.taking",
    "riskscore.portfolio.concentration",
    "riskscore.portfolio.outstanding",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    failed, tried = doctest.testmod(importlib.import_module(name))

    assert (failed, tried > 0) == (0, True)
