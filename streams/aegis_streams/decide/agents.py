"""The drift table: an agent's windows as bytes, decoded when the agent is first seen.

The bytes in the table are the truth. Decoded windows are a cache, written back by `flush`.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from typing import TYPE_CHECKING, Final

from aegis_governance.drift import AgentDrift, DriftObservation
from aegis_governance.vocabulary import FEATURES, DriftStatus
from aegis_streams.errors import LOST_STATE, ContinuityError

if TYPE_CHECKING:
    from aegis_governance.config import AegisConfig
    from aegis_governance.gates import GateInputs
    from aegis_streams.decide.horizon import KeyValue

CACHED_AGENTS: Final = 20_000
"""Most agents whose windows stay decoded between batches."""
_HEADER_SIZE: Final = struct.Struct(">I")
SHOWN_STATUSES: Final = (DriftStatus.WARNING.value, DriftStatus.CRITICAL.value)
"""Statuses of which the agents are counted."""
_FAULTS: Final = (ValueError, KeyError, TypeError, struct.error)
_MARKS: Final = tuple(f'"{status}"'.encode() for status in SHOWN_STATUSES)


class AgentWindows:
    """Drift windows of the agents of one partition."""

    def __init__(self, table: KeyValue, config: AegisConfig) -> None:
        self._table = table
        self._config = config
        self._agents: dict[str, AgentDrift] = {}
        self._touched: set[str] = set()

    def observe(self, agent_id: str, inputs: GateInputs) -> DriftObservation:
        """Take a proposal into its agent's windows; a dry run is judged without entering them."""
        agent = self._agents.get(agent_id)
        if agent is None:
            agent = self._agents[agent_id] = self._load(agent_id)
        if inputs.dry_run:
            return agent.current()
        self._touched.add(agent_id)
        return agent.observe(inputs.risk_proposed, inputs.profit_proposed)

    def take_back(self, agent_id: str, inputs: GateInputs) -> None:
        """Undo the latest `observe`: its proposal could not be evaluated."""
        if not inputs.dry_run:
            self._agents[agent_id].take_back()

    def flush(self) -> None:
        """Write the windows touched since the last call to the table."""
        for agent_id in sorted(self._touched):
            self._table.put(agent_id.encode(), encode(self._agents[agent_id]))
        self._touched.clear()
        if len(self._agents) > CACHED_AGENTS:
            self._agents.clear()

    def _load(self, agent_id: str) -> AgentDrift:
        agent = AgentDrift(self._config, agent_id)
        data = self._table.get(agent_id.encode())
        if data is not None:
            restore(agent, data)
        return agent


def standing_of(table: KeyValue) -> Counter[tuple[str, str]]:
    """Count the agents of a table by feature and standing status, for `SHOWN_STATUSES` only.

    Raises:
        ContinuityError: A row holds no drift windows.
    """
    found: Counter[tuple[str, str]] = Counter()
    for agent_id, data in table.items():
        try:
            header = data[_HEADER_SIZE.size : _start(data)]
            if any(mark in header for mark in _MARKS):  # most agents need no parsing
                found.update(zip(FEATURES, json.loads(header)["statuses"], strict=True))
        except _FAULTS as error:
            raise _unreadable(error, f" of {agent_id!r}") from error
    return Counter({pair: count for pair, count in found.items() if pair[1] in SHOWN_STATUSES})


def encode(agent: AgentDrift) -> bytes:
    """Return the bytes kept in the changelog.

    A JSON header after its length (4 bytes, big-endian), then each feature's window as
    little-endian float64 values.
    """
    values, statuses, baselines = agent.state()
    header = json.dumps(
        {"sizes": [len(one) for one in values], "statuses": statuses, "baselines": baselines},
        separators=(",", ":"),
    ).encode()
    return b"".join((_HEADER_SIZE.pack(len(header)), header, *values))


def restore(agent: AgentDrift, data: bytes) -> None:
    """Fill an agent's windows with what `encode` wrote.

    Raises:
        ContinuityError: The bytes are not drift windows.
    """
    try:
        start = _start(data)
        header = json.loads(data[_HEADER_SIZE.size : start])
        values = []
        for size in header["sizes"]:
            values.append(data[start : start + size])
            start += size
        agent.restore(values, header["statuses"], header["baselines"])
    except _FAULTS as error:
        raise _unreadable(error) from error


def _start(data: bytes) -> int:
    """Where the windows begin."""
    return _HEADER_SIZE.size + int(_HEADER_SIZE.unpack_from(data)[0])


def _unreadable(error: Exception, whose: str = "") -> ContinuityError:
    return ContinuityError(f"table drift: unreadable windows{whose} ({error}); see {LOST_STATE}")
