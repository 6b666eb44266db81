"""Engines: what a connection of ours does not do."""

from riskscore.stores.engines import connect


def test_no_progress_bar_stands_between_the_results_on_stdout():
    assert connect().sql("select current_setting('enable_progress_bar')").fetchall() == [(False,)]
