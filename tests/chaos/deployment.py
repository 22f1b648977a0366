"""A deployment on the servers of a run: its settings, its genesis, the environment of a worker."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aegis_streams.records import Records
from aegis_streams.settings import ENVIRONMENT, Settings
from aegis_streams.stack.keys import ensure_keys
from aegis_streams.stack.layout import Layout
from aegis_streams.topics import ensure
from chaos.clocked import VARIABLE, set_shift

if TYPE_CHECKING:
    from aegis_governance.config import AegisConfig
    from chaos.arena import Arena

TESTS: Final = Path(__file__).parents[1]


class Deployment:
    """Topics, keys, parameters and journal of one run.

    Args:
        arena: The servers.
        home: Directory for everything that is kept outside Kafka.
        partitions: Number of partitions.
        config: Parameters at genesis.
    """

    def __init__(self, arena: Arena, home: Path, partitions: int, config: AegisConfig) -> None:
        self._arena = arena
        self.layout = Layout(home)
        self.journal = home / "signatures.txt"
        self.clocks = home / "clocks"
        chosen = home / "parameters.json"
        chosen.write_text(json.dumps(config.to_dict()), encoding="utf-8")
        self.settings = Settings(
            home=home,
            bootstrap=arena.stack.bootstrap,
            registry_url=arena.stack.registry_url,
            partitions=partitions,
            replication=1,
            local=True,
            keys_dir=home / "keys",
            trust_file=home / "trust.json",
            guard_dir=home / "guard",
            parameters_file=chosen,
            decide_metrics_port=0,
            seal_metrics_port=0,
            sign_journal=self.journal,
            **arena.sink,
        )

    def open(self) -> Records:
        """Make topics, keys and genesis where they are missing."""
        ensure_keys(self.settings)
        ensure(self.settings)
        return Records(self.settings.registry_url)

    def environment(self, role: str, slot: int) -> dict[str, str]:
        """Return the variables of a worker: its own route to the broker, its own clock."""
        target = f"{role}-{slot}"
        settings = replace(self.settings, bootstrap=self._arena.bootstrap_of(target))
        values = {
            variable: str(value)
            for name, variable in ENVIRONMENT.items()
            if (value := getattr(settings, name)) is not None
        }
        clock = self.clocks / target
        if not clock.exists():
            set_shift(clock, 0)
        return {
            **values,
            VARIABLE: str(clock),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", ""))),
        }
