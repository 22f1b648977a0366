"""Every environment variable of the stream, and where its addresses come from.

A value is taken from the environment first, then from ``stack.json`` (written by ``aegis up``
in the home directory), then from the default named here.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from aegis_streams.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

STACK_FILE: Final = "stack.json"

ENVIRONMENT: Final[Mapping[str, str]] = {
    "home": "AEGIS_HOME",
    "bootstrap": "AEGIS_BOOTSTRAP",
    "registry_url": "AEGIS_REGISTRY_URL",
    "deployment": "AEGIS_DEPLOYMENT",
    "region": "AEGIS_REGION",
    "epoch": "AEGIS_EPOCH",
    "partitions": "AEGIS_PARTITIONS",
    "replication": "AEGIS_REPLICATION",
    "keys_dir": "AEGIS_KEYS_DIR",
    "trust_file": "AEGIS_TRUST_FILE",
    "guard_dir": "AEGIS_GUARD_DIR",
    "accept_guard": "AEGIS_ACCEPT_GUARD",
    "secrets_dir": "AEGIS_SECRETS_DIR",
    "database_url": "AEGIS_DATABASE_URL",
    "database_admin_url": "AEGIS_DATABASE_ADMIN_URL",
    "database_keeper_url": "AEGIS_DATABASE_KEEPER_URL",
    "connect_url": "AEGIS_CONNECT_URL",
    "parameters_file": "AEGIS_CONFIG_PATH",
    "local": "AEGIS_LOCAL",
    "listen_host": "AEGIS_LISTEN_HOST",
    "decide_metrics_port": "AEGIS_DECIDE_METRICS_PORT",
    "seal_metrics_port": "AEGIS_SEAL_METRICS_PORT",
    "sink_metrics_port": "AEGIS_SINK_METRICS_PORT",
    "log_level": "AEGIS_LOG_LEVEL",
    "test_faults": "AEGIS_TEST_FAULTS",
    "sign_journal": "AEGIS_TEST_SIGN_JOURNAL",
}
"""Field of `Settings` -> environment variable. The last two exist for the tests of the crash
guarantee: they can only stop a worker or write down what it signed."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "epoch": (1, 1_000_000),
    "partitions": (1, 1_024),
    "replication": (1, 15),
    "decide_metrics_port": (0, 65_535),
    "seal_metrics_port": (0, 65_535),
    "sink_metrics_port": (0, 65_535),
}


@dataclass(frozen=True)
class Settings:
    """Where a process finds its cluster, its keys and its own name.

    Attributes:
        home: Data of the local stack, and the default place of keys, trust file and guard.
        bootstrap: Kafka bootstrap servers, ``host:port[,host:port...]``.
        registry_url: Schema registry in Confluent's API (for Apicurio: ``.../apis/ccompat/v7``).
        deployment: First part of every log origin; lower-case letters, digits, ``.`` and ``-``.
        region: Second part of every log origin.
        epoch: Third part: this region's current term of writing, from 1.
        partitions: Number of partitions of every topic, fixed at genesis.
        replication: Replication factor of topics made by ``topics ensure``; 1 in local mode alone.
        keys_dir: Directory of the log's signing keys (the sealer alone needs it).
        trust_file: Who is believed; never taken from the data.
        guard_dir: Where the sealer fsyncs what it signed last; must outlive the process, and be one
            and the same for all sealers of the deployment, on whatever machine they run.
        accept_guard: Trees whose guard is known to be lost, ``LOG@SIZE[,LOG@SIZE...]``, as the
            sealer's refusal names them; of no effect once the tree has grown.
        secrets_dir: Passwords of the database roles, ``ROLE.password`` and ``ROLE.pgpass``.
        database_url: The audit database with a role that reads, ``postgresql://...``; empty: none.
        database_admin_url: The same with a role that may create roles; for ``database prepare``.
        database_keeper_url: The same with the role of the sink's keeper; for ``sink run``.
        connect_url: REST interface of a Kafka Connect worker.
        parameters_file: Parameter set for genesis; None means the documented defaults.
        local: Local mode: a single broker and replication 1 are accepted. Never by default; the
            local stack says so in its ``stack.json``.
        listen_host: Address on which workers serve metrics and health.
        decide_metrics_port: Port of the decider's metrics and health; 0 picks a free one.
        seal_metrics_port: The same of the sealer.
        sink_metrics_port: The same of the sink's keeper.
        log_level: Level name of the standard library's logging.
        test_faults: Fault plan of the chaos tests; empty in every real deployment.
        sign_journal: File in which the chaos tests collect every signature ever made.
    """

    home: Path = Path(".aegis")
    bootstrap: str = "127.0.0.1:19092"
    registry_url: str = "http://127.0.0.1:18081/apis/ccompat/v7"
    deployment: str = "aegis"
    region: str = "local"
    epoch: int = 1
    partitions: int = 4
    replication: int = 3
    keys_dir: Path = Path(".aegis/keys")
    trust_file: Path = Path(".aegis/trust.json")
    guard_dir: Path = Path(".aegis/guard")
    accept_guard: str = ""
    secrets_dir: Path = Path(".aegis/secrets")
    database_url: str = ""
    database_admin_url: str = ""
    database_keeper_url: str = ""
    connect_url: str = "http://127.0.0.1:18083"
    parameters_file: Path | None = None
    local: bool = False
    listen_host: str = "127.0.0.1"
    decide_metrics_port: int = 19464
    seal_metrics_port: int = 19465
    sink_metrics_port: int = 19466
    log_level: str = "INFO"
    test_faults: str = ""
    sign_journal: Path | None = None

    def __post_init__(self) -> None:
        for name in ("deployment", "region"):
            if not _NAME.fullmatch(str(getattr(self, name))):
                raise SettingsError(
                    f"{ENVIRONMENT[name]}={getattr(self, name)!r}: use 1 to 63 lower-case letters, "
                    "digits, '.' or '-', starting with a letter or digit"
                )
        for name, (low, high) in _BOUNDS.items():
            value = cast("int", getattr(self, name))
            if not low <= value <= high:
                raise SettingsError(f"{ENVIRONMENT[name]}={value}: must be {low} to {high}")

    def origin(self, partition: int) -> str:
        """Return the log origin of a partition: deployment/region/epoch/partition."""
        return f"{self.deployment}/{self.region}/{self.epoch}/{partition}"

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment, then the home directory's ``stack.json``, then the defaults.

        Raises:
            SettingsError: A value does not parse or is out of its range.
        """
        env = os.environ if environ is None else environ
        home = Path(env.get(ENVIRONMENT["home"], ".aegis"))
        values: dict[str, object] = {
            "home": home,
            "keys_dir": home / "keys",
            "trust_file": home / "trust.json",
            "guard_dir": home / "guard",
            "secrets_dir": home / "secrets",
        }
        known = {field.name for field in fields(cls)}
        values.update((k, v) for k, v in _stack_file(home).items() if k in known)
        values.update((k, env[name]) for k, name in ENVIRONMENT.items() if env.get(name))
        parsed: dict[str, Any] = {name: _parse(name, value) for name, value in values.items()}
        return cls(**parsed)


def _stack_file(home: Path) -> dict[str, object]:
    path = home / STACK_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}); run `aegis up` again") from error
    return cast("dict[str, object]", found)


def _parse(name: str, value: object) -> object:
    default = next(field.default for field in fields(Settings) if field.name == name)
    if isinstance(default, bool):
        return str(value).lower() in ("1", "true", "yes", "on")
    if isinstance(default, int):
        try:
            return int(str(value))
        except ValueError as error:
            raise SettingsError(f"{ENVIRONMENT[name]}={value!r}: must be a whole number") from error
    if isinstance(default, Path) or name in ("parameters_file", "sign_journal"):
        return Path(str(value))
    return str(value)
