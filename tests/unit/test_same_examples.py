"""The suite draws the same examples whichever tests ran before: nothing of ours is loaded later than the first test."""

import os
import pkgutil
import sys
from importlib import import_module

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one file alone loads what it needs")
def test_the_whole_product_is_loaded_before_the_first_test_of_a_worker() -> None:
    from conftest import PACKAGES, SCRIPTS

    ours = {
        module.name
        for package in PACKAGES
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}.")
        if module.name.rpartition(".")[2] not in SCRIPTS
    }

    assert len(ours) > 300
    assert ours <= set(sys.modules)
