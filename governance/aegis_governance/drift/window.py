"""One feature of one agent: a sliding window of raw values and its standing status."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from aegis_governance.vocabulary import DriftStatus

if TYPE_CHECKING:
    from aegis_governance.drift.model import DriftModel, FeatureModel

STATUSES: Final = tuple(DriftStatus)
"""The statuses in rising order; a rank is an index into this."""
RANKS: Final = {status.value: rank for rank, status in enumerate(STATUSES)}
"""The rank of each status."""
_INSUFFICIENT, _NORMAL, _WARNING, _CRITICAL = range(len(STATUSES))
_LITTLE: Final = sys.byteorder == "little"
VALUE_SIZE: Final = 8
"""Bytes per packed value."""


class DriftWindow:
    """The most recent values of one feature, oldest dropped first, judged against a baseline.

    Without a baseline values are kept (a baseline may be proposed from them) and the status is
    ``insufficient_data``. With one, the status stands until the window holds the minimum number of
    values, then follows the divergence.

    Attributes:
        model: The baseline that the window is compared with, or None.
        rank: The standing status, as an index into ``STATUSES``.
        divergence: The divergence in nats, or None while it is not judged.
    """

    __slots__ = ("_capacity", "_counts", "_dropped", "_former", "_minimum", "_next", "_taus",
                 "_values", "divergence", "model", "rank")  # fmt: skip

    def __init__(self, shared: DriftModel, model: FeatureModel | None) -> None:
        self.model: Final = model
        self.rank = _INSUFFICIENT
        self.divergence: float | None = None
        self._capacity: Final = shared.window
        self._minimum: Final = shared.minimum
        self._taus: Final = (shared.tau_warning, shared.tau_critical)
        self._values = array("d")
        self._next = 0
        # What the latest value pushed out, and the rank before it: enough to take it back.
        self._dropped: float | None = None
        self._former = _INSUFFICIENT
        self._counts = [0] * (len(model.edges) + 1) if model is not None else []

    def observe(self, value: float) -> bool:
        """Take in a finite value and judge again; return whether the status changed."""
        values = self._values
        model = self.model
        self._former = self.rank
        if len(values) < self._capacity:
            values.append(value)
            self._dropped = None
        else:
            at = self._next
            self._dropped = dropped = values[at]
            if model is not None:
                self._counts[bisect_right(model.edges, dropped)] -= 1
            values[at] = value
            self._next = at + 1 if at + 1 < self._capacity else 0
        if model is not None:
            self._counts[bisect_right(model.edges, value)] += 1
        elif self.rank == _INSUFFICIENT:
            return False
        return self._judge()

    def _judge(self) -> bool:
        former = self.rank
        self._measure()
        divergence = self.divergence
        if divergence is not None:
            warning, critical = self._taus
            if divergence < warning:
                self.rank = _NORMAL
            else:
                self.rank = _WARNING if divergence < critical else _CRITICAL
        elif self.model is None:
            self.rank = _INSUFFICIENT
        return self.rank != former

    def _measure(self) -> None:
        total = len(self._values)
        if self.model is None or total < self._minimum:
            self.divergence = None
        else:
            self.divergence = self.model.divergence(self._counts, total)

    def take_back(self) -> None:
        """Undo the latest ``observe``; call it once, and before any other change."""
        values = self._ordered()
        values.pop()
        if self._dropped is not None:
            values.insert(0, self._dropped)
        self._fill(values, self._former)

    def __len__(self) -> int:
        return len(self._values)

    def values(self) -> tuple[float, ...]:
        """Return the values, oldest first."""
        return tuple(self._ordered())

    def packed(self) -> bytes:
        """Return the values, oldest first, as little-endian IEEE 754 doubles."""
        ordered = self._ordered()
        if not _LITTLE:
            ordered.byteswap()
        return ordered.tobytes()

    def restore(self, packed: bytes, rank: int) -> None:
        """Replace the contents by what ``packed()`` returned, and the standing status by ``rank``.

        Of more values than the window holds, the most recent stay.
        """
        values = array("d")
        values.frombytes(packed[-VALUE_SIZE * self._capacity :])
        if not _LITTLE:
            values.byteswap()
        self._fill(values, rank)

    def _fill(self, values: array[float], rank: int) -> None:
        self._values = values
        self._next = 0
        self.rank = rank
        if self.model is not None:
            self._counts = [0] * (len(self.model.edges) + 1)
            for value in values:
                self._counts[bisect_right(self.model.edges, value)] += 1
        self._measure()

    def _ordered(self) -> array[float]:
        at = self._next
        return self._values[at:] + self._values[:at]
