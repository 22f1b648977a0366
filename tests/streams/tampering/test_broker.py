"""Lies of somebody who holds the broker, one test per lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_streams.names import AUDIT
from support.forgery import codes

if TYPE_CHECKING:
    from support.forgery import Forger

pytestmark = pytest.mark.stack


def test_the_truth_is_believed(forger: Forger) -> None:
    report = forger.judge(since=[forger.real.retained])
    assert (codes(report), report.could_not, report.exit_code) == (set(), [], 0)
    (log,) = report.logs
    assert log.figures["leaves"] == len(forger.real.records[AUDIT])
    assert log.figures["inputs waiting"] == log.figures["decisions not released yet"] == 0
