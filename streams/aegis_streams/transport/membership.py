"""Partitions that a settled group gives to nobody, and workers that are in no group.

Under cooperative rebalancing a partition that moves is first taken from its owner and given to
nobody; the owner joins again, and then it is given to the next one. An owner that dies in between
and is back within its session takes its seat without a rebalance (that is what static membership
is for), and with it goes the reason to rebalance: the partition stays with nobody for ever. A
member that comes and goes cures it.

A worker whose consumer has silently lost its group has no partitions, so nothing of its work is
seen to stand still; it would be missed only when it is needed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import KafkaException

from aegis_streams.transport.errors import StuckError

if TYPE_CHECKING:
    from aegis_streams.transport.clients import Clients
    from aegis_streams.transport.failstop import FailStop
    from aegis_streams.transport.hooks import Observer
    from aegis_streams.transport.settings import TransportSettings

_log = logging.getLogger(__name__)


class Subscription(NamedTuple):
    """What a group shares out."""

    topic: str
    partitions: int


class GroupMonitor:
    """Looks at the group and, when partitions belong to nobody, has it assign anew.

    Every worker looks; the one with the least instance id among the members acts, once it has
    seen the same partitions unowned twice in a row. Acting early, while a member still gives
    partitions up, costs a rebalance and nothing else. A worker that the broker counts among the
    members at no look of `watchdog_timeout` ends itself; a look without an answer begins it anew.

    Args:
        settings: The group and this worker's name in it.
        subscription: The subscribed topic, and how many partitions it has.
        clients: Asks the broker.
        observer: Hears how many partitions belong to nobody.
        failstop: Ends the worker when it is in no group.
    """

    def __init__(
        self,
        settings: TransportSettings,
        subscription: Subscription,
        clients: Clients,
        observer: Observer,
        failstop: FailStop,
    ) -> None:
        self._settings = settings
        self._topic = subscription.topic
        self._all = frozenset(range(subscription.partitions))
        self._clients = clients
        self._observer = observer
        self._failstop = failstop
        self._absences = 0
        self._seen: frozenset[int] = frozenset()
        self._trouble = ""

    def look(self) -> None:
        """Look once; when the broker does not answer, nothing is concluded."""
        try:
            self._look(self._settings.fence_timeout)
            self._trouble = ""
        except KafkaException as error:
            self._absences = 0
            if str(error) != self._trouble:  # said once, not at every look
                _log.warning("the group could not be looked at: %s", error)
            self._trouble = str(error)

    def _look(self, timeout: float) -> None:
        members = self._clients.members(timeout)
        if self._settings.instance_id not in members:
            self._seen = frozenset()
            self._observer.unowned(0)  # others judge
            self._absent()
            return
        self._absences = 0
        unowned = self._all.difference(*members.values())
        self._observer.unowned(len(unowned))
        known, self._seen = self._seen, unowned
        if unowned and unowned == known and self._settings.instance_id == min(members):
            _log.warning("partitions %s belong to nobody: rebalancing", sorted(unowned))
            self._seen = frozenset()
            self._clients.rebalance(self._topic, self._settings.session_timeout)

    def _absent(self) -> None:
        self._absences += 1
        seconds = self._absences * self._settings.group_interval
        if seconds > self._settings.watchdog_timeout and not self._failstop.failed:
            self._failstop.fail(
                StuckError(f"no member of group {self._settings.group} for {seconds:.0f} s"),
                stacks=True,
            )
