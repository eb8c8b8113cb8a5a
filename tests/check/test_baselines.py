"""Every bundled row passes by the checks that plugins of others are held to."""

import pytest

from zorbench.check import check_plugin, check_rows
from zorbench.registry import Registry

ROWS = Registry().rows()
USUAL = [row.label for row in ROWS if not row.only_named]
LARGE = [row.label for row in ROWS if row.only_named]
KNOWING = {row.plugin: row.ref.path for row in ROWS if row.plugin.known_failures}


def problems(results):
    return [f"{one.check} ({one.place}): {one.message}" for one in results if one.status == "failed"]


@pytest.mark.parametrize("row", USUAL)
def test_a_row_passes_the_fast_checks(row):
    assert problems(check_plugin(row)) == []


@pytest.mark.slow
@pytest.mark.parametrize("row", USUAL + LARGE)
def test_a_row_passes_all_checks(row):
    assert problems(check_plugin(row, slow=True)) == []


@pytest.mark.slow
@pytest.mark.parametrize("plugin", KNOWING, ids=lambda plugin: plugin.name)
def test_known_failures_are_still_failures(plugin):
    rows = [row for row in ROWS if row.plugin is plugin]
    assert problems(one for results in check_rows(rows, slow=True) for one in results) == []
