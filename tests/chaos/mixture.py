"""The mixed load: a function of the seed.

Every proposal of every status over many agents, and everything that must be refused: see `SHAPES`.
"""

from __future__ import annotations

import json
import random
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from aegis_codecs.records import commands
from aegis_codecs.records.proposals import ProposalEncoder
from aegis_codecs.records.wire import WireEncoder
from aegis_streams.kafka.partitions import murmur2_partition
from aegis_streams.names import COMMANDS, PROPOSALS
from chaos.submissions import Meaning, Submission

if TYPE_CHECKING:
    from collections.abc import Callable

Proposal = dict[str, Any]
Headers = tuple[tuple[str, bytes], ...]

AGENTS: Final = tuple(f"agent-{number:02d}" for number in range(40))
DRIFTING: Final = tuple(f"drifting-{number}" for number in range(8))
"""Agents with an approved baseline: their windows fill and their drift status changes."""

JSON: Final[Headers] = (("content-type", b"application/json"),)
AVRO: Final[Headers] = (("content-type", b"application/vnd.confluent.avro"),)
UNKNOWN_SCHEMA: Final = 2_000_000_001
RECENT: Final = 400
"""How many earlier proposals a duplicate is drawn from."""
LEVEL_NUMBERS: Final = 3_000
"""Proposals after which the drifting agents change their level of risk."""
_START: Final = 1_767_225_600_000
_TOO_LARGE: Final = (48 * 1024 + 1, 60_000, 300_000)
"""Sizes above what a proposal may have and below what the broker takes."""

_CONTROLS: Final = ("a\0b", "\0", "\x1b[2J", "a\r\nb", "\x85", "\x7f")
_LONG_IDS: Final = (129, 3_000, 20_000, 30_000)
"""Characters: from one too many to as many as the broker takes twice, as key and within."""

_STATUSES: Final[dict[str, tuple[Proposal, ...]]] = {
    "proceed": ({}, {"estimated_impact": "low", "utility_result": None}, {"reversible": False}),
    "pause": ({"requires_human_approval": True}, {"estimated_impact": "critical"}),
    "halt": ({"quality_score": 0.3}, {"complexity_score": 0.2}, {"risk_proposed": 0.95}),
    "escalate": (
        {"estimated_impact": "high", "quality_score": 0.3},
        {"estimated_impact": "critical", "novelty_score": 0.1},
    ),
}
_INVALID: Final[tuple[Proposal, ...]] = (
    {"risk_proposed": 1.5},
    {"novelty_score": float("nan")},
    {"profit_proposed": float("inf")},
    {"quality_subscores": []},
    {"proposal_summary": "  "},
    {"submitted_at": -1},
    {"metadata": {"k" * 300: "v"}},
)


class Mixture:
    """Makes submissions, one after the other.

    Args:
        seed: Draws everything.
        partitions: Number of partitions of the deployment.
        schemas: Record name -> schema id in the registry.
    """

    def __init__(self, seed: int, partitions: int, schemas: dict[str, int]) -> None:
        self._chance = random.Random(seed)  # noqa: S311  # repeatable on purpose, no secret
        self._partitions = partitions
        self._avro = ProposalEncoder(schemas["ProposalSubmitted"]).encode
        self._command = WireEncoder(commands.codec(), schemas["Command"]).encode
        self._number = 0
        self._recent: deque[Proposal] = deque(maxlen=RECENT)
        self._refused: deque[Submission] = deque(maxlen=RECENT)
        self._shapes = tuple(SHAPES)
        self._weights = [SHAPES[shape][0] for shape in self._shapes]

    def next(self) -> Submission:
        """Return the next record to send."""
        shape = self._chance.choices(self._shapes, self._weights)[0]
        return SHAPES[shape][1](self, shape)

    # ------------------------------------------------------------------ well-formed proposals

    def proposal(self, status: str = "proceed", **fields: object) -> Proposal:
        """Return a new proposal that is decided as `status`, changed by `fields`."""
        chance, self._number = self._chance, self._number + 1
        made = {
            "proposal_id": f"p-{self._number:07d}",
            "submitted_at": _START + self._number,
            "agent_id": chance.choice(AGENTS),
            "session_id": f"s-{chance.randrange(50)}",
            "phase": chance.choice(("plan", "execute", "verify")),
            "proposal_summary": f"Change {self._number}",
            "estimated_impact": chance.choice(("medium", "low")),
            "risk_baseline": 0.2,
            "risk_proposed": round(chance.uniform(0.1, 0.3), 6),
            "profit_baseline": 1.0,
            "profit_proposed": round(chance.uniform(0.9, 1.4), 6),
            "novelty_score": round(chance.uniform(0.8, 1.0), 6),
            "complexity_score": round(chance.uniform(0.6, 1.0), 6),
            "quality_score": round(chance.uniform(0.75, 1.0), 6),
            "quality_subscores": [0.9, round(chance.uniform(0.7, 1.0), 6)],
            "utility_result": {
                "mean": 0.5,
                "variance": 0.01,
                "lcb": None,
                "z_score": None,
                "components": {"speed": 0.25, "cost": 0.25},
            },
            "requires_human_approval": False,
            "time_sensitive": chance.random() < 0.5,
            "reversible": True,
            "shadow_mode": False,
            "drift_baseline_data": None,
            "metadata": {"number": str(self._number), "by": "chaos"},
        }
        return {**made, **chance.choice(_STATUSES[status]), **fields}

    def valid(self, shape: str) -> Submission:
        """A proposal of the status that the shape names, in Avro or JSON."""
        status = shape.rpartition(".")[2]
        made = self.proposal(status)
        self._recent.append({**made, "_status": status})
        return self._well_formed(shape, made, status, as_json=shape.startswith("json"))

    def dry_run(self, shape: str) -> Submission:
        """A proposal whose decision must release nothing."""
        made = self.proposal(shadow_mode=True)
        self._recent.append({**made, "_status": "proceed"})
        return self._well_formed(shape, made, "proceed")

    def drifting(self, shape: str) -> Submission:
        """A proposal of an agent whose drift is judged; its level wanders, so its status does."""
        level = 0.15 + 0.6 * ((self._number // LEVEL_NUMBERS) % 2)
        risk = round(min(0.85, max(0.0, self._chance.gauss(level, 0.08))), 6)
        made = self.proposal(
            agent_id=self._chance.choice(DRIFTING), risk_proposed=risk, risk_baseline=0.5
        )
        self._recent.append({**made, "_status": ""})
        return self._well_formed(shape, made, "")

    def same(self, shape: str) -> Submission:
        """An earlier proposal again, in either form: equal content."""
        earlier = self._earlier()
        status = earlier.pop("_status")
        earlier["metadata"] = dict(reversed(earlier["metadata"].items()))
        return self._well_formed(shape, earlier, status, as_json=self._chance.random() < 0.5)

    def other(self, shape: str) -> Submission:
        """An earlier id with other content."""
        earlier = self._earlier()
        status = earlier.pop("_status")
        earlier["proposal_summary"] += f", again {self._number}"
        return self._well_formed(shape, earlier, status, as_json=self._chance.random() < 0.3)

    # ------------------------------------------------------------------ refused with a decision

    def invalid(self, shape: str) -> Submission:
        """A proposal with one field out of its bounds."""
        made = self.proposal(**self._chance.choice(_INVALID))
        return self._refused_as(shape, "field_invalid", made, self._avro(made))

    def unknown_field(self, shape: str) -> Submission:
        """JSON with a misspelt field: not decodable, but its ids can be read."""
        made = self.proposal()
        made["risk_propsed"] = made.pop("risk_proposed")
        return self._refused_as(shape, "undecodable", made, json.dumps(made).encode(), JSON)

    def refused_again(self, shape: str) -> Submission:
        """A refused proposal again, byte for byte, or corrected under its id."""
        if not self._refused:
            return self.invalid("invalid.field")
        earlier = self._chance.choice(self._refused)
        if self._chance.random() < 0.5:
            return earlier._replace(shape=shape)
        meaning = earlier.meaning
        made = self.proposal(agent_id=meaning.agent_id, proposal_id=meaning.proposal_id)
        return self._well_formed(shape, made, "proceed")

    # ------------------------------------------------------------------ refused without one

    def broken_json(self, shape: str) -> Submission:
        """JSON that ends too early."""
        text = json.dumps(self.proposal()).encode()
        return self._anonymous(shape, "undecodable", text[: len(text) // 2], JSON)

    def broken_avro(self, shape: str) -> Submission:
        """Avro that ends too early, or has bytes left over, or no value at all."""
        value = self._avro(self.proposal())
        broken = self._chance.choice((value[: len(value) // 2], value + b"more", b"", None))
        return self._anonymous(shape, "undecodable", broken, self._chance.choice(((), AVRO)))

    def unknown_schema(self, shape: str) -> Submission:
        """A schema id that the registry never gave out."""
        value = b"\0" + UNKNOWN_SCHEMA.to_bytes(4, "big") + self._avro(self.proposal())[5:]
        return self._anonymous(shape, "schema_unknown", value)

    def other_type(self, shape: str) -> Submission:
        """A content type that is not accepted."""
        headers = (("content-type", self._chance.choice((b"text/plain", b"application/xml", b""))),)
        value = json.dumps(self.proposal()).encode()
        return self._anonymous(shape, "content_type_unsupported", value, headers)

    def without_key(self, shape: str) -> Submission:
        """No key, or an empty one."""
        return self._anonymous(
            shape,
            "key_missing",
            self._avro(self.proposal()),
            key=self._chance.choice((None, b"")),
        )

    def other_key(self, shape: str) -> Submission:
        """A key that is not the agent inside."""
        value = self._avro(self.proposal(agent_id=self._chance.choice(AGENTS)))
        return self._anonymous(shape, "agent_mismatch", value, key=b"somebody-else")

    def other_partition(self, shape: str) -> Submission:
        """The right key on the wrong partition."""
        made = self.proposal()
        found = self._anonymous(
            shape, "partition_mismatch", self._avro(made), key=str(made["agent_id"]).encode()
        )
        shift = self._chance.randrange(1, self._partitions)
        return found._replace(partition=(found.partition + shift) % self._partitions)

    def hostile_control(self, shape: str) -> Submission:
        """An id with control characters, which no database holds and no terminal should see."""
        return self._hostile(shape, f"{self._chance.choice(_CONTROLS)}{self._number}")

    def hostile_long(self, shape: str) -> Submission:
        """An id of more characters than an index takes, and hard to compress."""
        length = self._chance.choice(_LONG_IDS)
        return self._hostile(shape, self._chance.randbytes(length).hex()[:length])

    def too_large(self, shape: str) -> Submission:
        """More bytes than a proposal may have, fewer than the broker takes."""
        value = self._chance.randbytes(self._chance.choice(_TOO_LARGE))
        return self._anonymous(shape, "record_too_large", value)

    def command(self, shape: str) -> Submission:
        """A command, which this version answers with a refusal."""
        agent = self._chance.choice(AGENTS)
        self._number += 1
        value = self._command(
            commands.Command(
                f"c-{self._number}", "tick", _START + self._number, None, b"", [], agent
            )
        )
        found = self._anonymous(shape, "command_unsupported", value, key=agent.encode())
        return found._replace(topic=COMMANDS)

    # ------------------------------------------------------------------ putting one together

    def _earlier(self) -> Proposal:
        if not self._recent:
            self.valid("avro.proceed")
        return dict(self._chance.choice(self._recent))

    def _well_formed(
        self, shape: str, made: Proposal, status: str, *, as_json: bool = False
    ) -> Submission:
        meaning = Meaning(
            made["agent_id"],
            made["proposal_id"],
            json.dumps(made, sort_keys=True).encode(),
            status=status,
        )
        value, headers = (json.dumps(made).encode(), JSON) if as_json else (self._avro(made), ())
        key = meaning.agent_id.encode()
        return Submission(shape, PROPOSALS, self._home(key), key, value, headers, meaning)

    def _refused_as(
        self, shape: str, reason: str, made: Proposal, value: bytes, headers: Headers = ()
    ) -> Submission:
        meaning = Meaning(made["agent_id"], made["proposal_id"], b"raw " + value, reason, "halt")
        key = meaning.agent_id.encode()
        found = Submission(shape, PROPOSALS, self._home(key), key, value, headers, meaning)
        self._refused.append(found)
        return found

    def _anonymous(
        self,
        shape: str,
        reason: str,
        value: bytes | None,
        headers: Headers = (),
        key: bytes | None = b"agent-00",
    ) -> Submission:
        partition = self._home(key) if key else self._chance.randrange(self._partitions)
        meaning = Meaning("", "", b"", reason)
        return Submission(shape, PROPOSALS, partition, key, value, headers, meaning)

    def _hostile(self, shape: str, text: str) -> Submission:
        """Return a record that says this where an id should stand, in one of the ways there are."""
        field = self._chance.choice(("proposal_id", "agent_id"))
        made = self.proposal(**{field: text})
        agent = str(made["agent_id"]).encode()
        match self._chance.randrange(3):
            case 0:
                return self._anonymous(shape, "field_invalid", self._avro(made), key=agent)
            case 1:
                value = json.dumps({field: text}).encode()
                return self._anonymous(shape, "undecodable", value, JSON)
            case _:
                return self._anonymous(shape, "agent_mismatch", self._avro(made), key=b"another")

    def _home(self, key: bytes) -> int:
        return murmur2_partition(key, self._partitions)


SHAPES: Final[dict[str, tuple[float, Callable[[Mixture, str], Submission]]]] = {
    "avro.proceed": (24, Mixture.valid),
    "avro.pause": (7, Mixture.valid),
    "avro.halt": (9, Mixture.valid),
    "avro.escalate": (7, Mixture.valid),
    "json.proceed": (5, Mixture.valid),
    "json.pause": (2, Mixture.valid),
    "json.halt": (2, Mixture.valid),
    "dry_run": (3, Mixture.dry_run),
    "drifting": (10, Mixture.drifting),
    "duplicate.same": (7, Mixture.same),
    "duplicate.other": (5, Mixture.other),
    "invalid.field": (4, Mixture.invalid),
    "invalid.unknown_field": (1.5, Mixture.unknown_field),
    "invalid.again": (1.5, Mixture.refused_again),
    "broken.json": (2, Mixture.broken_json),
    "broken.avro": (2, Mixture.broken_avro),
    "broken.schema": (1, Mixture.unknown_schema),
    "broken.type": (1, Mixture.other_type),
    "misrouted.keyless": (1.5, Mixture.without_key),
    "misrouted.key": (1.5, Mixture.other_key),
    "misrouted.partition": (1.5, Mixture.other_partition),
    "hostile.control": (1, Mixture.hostile_control),
    "hostile.long": (0.5, Mixture.hostile_long),
    "too_large": (0.5, Mixture.too_large),
    "command": (3, Mixture.command),
}
"""Every case of the load: how often it comes, and what makes it."""
