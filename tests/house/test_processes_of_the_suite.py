"""Tests that share a server run in one process: the marks must reach the scheduler."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def test_each_test_with_a_group_is_sent_by_it(request: pytest.FixtureRequest) -> None:
    shared = [item for item in request.session.items if item.get_closest_marker("stack")]
    groups = {
        item.nodeid: [mark.args[0] for mark in item.iter_markers("xdist_group")] for item in shared
    }
    assert [each for each in groups if groups[each] not in (["stack"], ["servers"])] == []
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert [each for each in groups if not each.endswith(f"@{groups[each][0]}")] == []
