"""Notices when nothing moves although there is work."""

from __future__ import annotations

import faulthandler
import logging
import sys
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from aegis_streams.transport.errors import StuckError
from aegis_streams.transport.machine import LaneState
from aegis_streams.transport.periodic import Periodic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aegis_streams.transport.clients import Clients
    from aegis_streams.transport.driver import Driver
    from aegis_streams.transport.failstop import FailStop
    from aegis_streams.transport.hooks import Observer
    from aegis_streams.transport.lane import Lane
    from aegis_streams.transport.settings import TransportSettings

_log = logging.getLogger(__name__)
_TICK: Final = 1.0
_GRACE: Final = 3.0
_BUSY: Final = frozenset({LaneState.ACQUIRING, LaneState.DELIVERING, LaneState.COMMITTING})


class Watchdog:
    """Judges, once a second, whether the driver moves.

    Everything counts as moving while an agent stalls deliberately, and a partition counts so while
    its records are withheld.
    """

    def __init__(self, settings: TransportSettings, driver: Driver, failstop: FailStop) -> None:
        self._settings = settings
        self._driver = driver
        self._failstop = failstop
        self._unfetched: dict[tuple[str, int], tuple[int, float]] = {}
        self._periodic = Periodic("aegis-watchdog", _TICK, self._watch)

    def start(self) -> None:
        """Begin to watch."""
        self._periodic.start()

    def stop(self) -> None:
        """Watch no longer; what is left of the process is the C library's timer."""
        self._periodic.stop()
        settings = self._settings
        _last_resort(settings.drain_timeout + 2 * settings.exit_timeout)

    def note_stable(self, stable: Mapping[tuple[str, int], int], now: float) -> None:
        """Take note of the last stable offsets, to see fetches that hang."""
        positions = self._driver.positions()
        before, self._unfetched = self._unfetched, {}
        withheld = {lane.partition for lane in self._driver.lanes if lane.withheld}
        for where, end in stable.items():
            if self._driver.parked or where[1] in withheld:
                continue
            position = positions.get(where)
            if position is not None and position < end:
                known = before.get(where)
                since = known[1] if known is not None and known[0] == position else now
                self._unfetched[where] = (position, since)

    def stuck(self, now: float) -> str:
        """Return what does not move, or an empty string."""
        limit = self._settings.watchdog_timeout
        lanes = self._driver.lanes
        if any(lane.batch is not None and lane.batch.stall_reason for lane in lanes):
            for lane in lanes:
                lane.touch()
            self._unfetched.clear()
        if now - self._driver.polled > limit:
            return f"the poll loop has not come round for {limit} s"
        for lane in lanes:
            if lane.withheld:
                lane.touch()
            since = now - max(lane.progress, lane.state.since)
            if since > self._limit(lane) and _has_work(lane):
                return f"partition {lane.partition} is {lane.state.value.value} for {since:.0f} s"
        for (topic, partition), (position, since) in self._unfetched.items():
            if now - since > limit:
                return f"{topic} {partition} has records past {position} but none arrive"
        return ""

    def _limit(self, lane: Lane) -> float:
        # A call of the client can outlive the time it was given; then nobody else notices.
        if lane.state.value is LaneState.COMMITTING:
            return min(self._settings.commit_timeout + _GRACE, self._settings.watchdog_timeout)
        return self._settings.watchdog_timeout

    def _watch(self) -> None:
        reason = self.stuck(time.monotonic())
        # Should this thread be kept from running, or fail, the C library's timer ends the process.
        _last_resort(2 * self._settings.watchdog_timeout)
        if reason and not self._failstop.failed:
            self._failstop.fail(StuckError(reason), stacks=True)


def _last_resort(seconds: float) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)


def _has_work(lane: Lane) -> bool:
    return lane.state.value in _BUSY or lane.buffer.waiting_since is not None or bool(lane.withheld)


class LagMonitor:
    """Measures how far the inputs are ahead, and tells the observer and the watchdog."""

    def __init__(
        self,
        settings: TransportSettings,
        driver: Driver,
        clients: Clients,
        observer: Observer,
        watchdog: Watchdog,
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._clients = clients
        self._observer = observer
        self._watchdog = watchdog
        self._told: set[tuple[str, int]] = set()

    def measure(self) -> None:
        """Measure once; an unreachable broker is logged, never counted as progress or as lag."""
        fetched = self._driver.positions()
        for gone in self._told - fetched.keys():
            self._observer.no_lag(*gone)
        self._told &= fetched.keys()
        if not fetched:
            return
        timeout = self._settings.fence_timeout
        try:
            ends = self._clients.end_offsets(list(fetched), committed=False, timeout=timeout)
            stable = self._clients.end_offsets(list(fetched), committed=True, timeout=timeout)
        except (KafkaException, TimeoutError) as error:
            _log.warning("lag could not be measured: %s", error)
            return
        self._watchdog.note_stable(stable, time.monotonic())
        busy = {lane.partition: lane.offsets for lane in self._driver.lanes if _has_work(lane)}
        for (topic, partition), position in fetched.items():
            done = busy.get(partition, {}).get(topic, position)
            where = (topic, partition)
            self._observer.lag(topic, partition, max(0, ends[where] - done), stable[where])
            self._told.add(where)
