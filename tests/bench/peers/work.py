"""What a peer is told: names, addresses, genesis heads, parameters; one JSON file for each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from aegis_governance.config import AegisConfig
from aegis_governance.numerics import error_function, exponential, logarithm
from aegis_streams.names import AUDIT, DEAD_LETTERS, PROPOSALS

if TYPE_CHECKING:
    from bench.arena import Arena

SCHEMAS: Final = Path(__file__).resolve().parents[3] / "schemas" / "avro"
COMMIT_MS: Final = 500
"""How often a peer commits, where it has a setting for that (see docs/benchmarks.md)."""


@dataclass(frozen=True)
class Work:
    """The decider's work on one deployment, for a peer with topics of its own.

    Attributes:
        name: Application id and consumer group.
        bootstrap: Kafka bootstrap servers.
        registry_url: The registry in Confluent's API.
        partitions: Number of partitions of every topic.
        proposals: Topic to read.
        audit: Topic for entries.
        dead_letters: Topic for dead letters.
        heads: Per partition the head that genesis wrote.
        parameters: The parameter set, by name.
        parameters_file: The same as a file.
        parameters_sha256: Its hash, hexadecimal.
        evaluator: Version of the evaluator.
        schema_ids: Id of each of our schemas.
        schemas: Directory of the schema files.
        state: Directory for a state store.
        commit_ms: How often to commit.
        tables: What the portable functions look up.
    """

    name: str
    bootstrap: str
    registry_url: str
    partitions: int
    proposals: str
    audit: str
    dead_letters: str
    heads: list[dict[str, Any]]
    parameters: dict[str, Any]
    parameters_file: str
    parameters_sha256: str
    evaluator: int
    schema_ids: dict[str, int]
    schemas: str
    state: str
    commit_ms: int
    tables: dict[str, Any]

    @classmethod
    def of(cls, arena: Arena, name: str) -> Self:
        """Return the work of a peer on the arena's present deployment."""
        settings = arena.settings
        heads = [json.loads(head) for head in arena.heads]
        config = AegisConfig.from_yaml(str(settings.parameters_file))
        state = settings.home / name
        state.mkdir(exist_ok=True)
        return cls(
            name=f"bench-{name}",
            bootstrap=settings.bootstrap,
            registry_url=settings.registry_url,
            partitions=settings.partitions,
            proposals=PROPOSALS,
            audit=f"bench.{name}.{AUDIT}",
            dead_letters=f"bench.{name}.{DEAD_LETTERS}",
            heads=heads,
            parameters=json.loads(config.to_bytes()),
            parameters_file=str(settings.parameters_file),
            parameters_sha256=heads[0]["parameters_sha256"],
            evaluator=heads[0]["evaluator"],
            schema_ids=dict(arena.schemas),
            schemas=str(SCHEMAS),
            state=str(state),
            commit_ms=COMMIT_MS,
            tables=tables(),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def write(self) -> Path:
        """Write it beside the state and return the path."""
        path = Path(self.state) / "work.json"
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path


def tables() -> dict[str, Any]:
    """Return the tables and constants that our portable functions compute at import."""
    return {
        "step_high": exponential.STEP_HIGH,
        "step_low": exponential.STEP_LOW,
        "steps_per_unit": exponential.STEPS_PER_UNIT,
        "roots_high": [high for high, _ in exponential.ROOTS],
        "roots_low": [low for _, low in exponential.ROOTS],
        "ln2_high": logarithm._LN2_HIGH,
        "ln2_low": logarithm._LN2_LOW,
        "erfc": error_function.TABLES,
    }
