"""The connectors of the sink: one file, checked, then applied where it differs.

``deploy/connect/audit-sink.json`` holds what all connectors share (``common``) and each one's own
(``connectors``). ``@NAME@`` in a value stands for an address of the deployment; a password is never
written there: ``${dir:...}`` lets the Connect worker read it from its file.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from aegis_streams.names import AUDIT, CHECKPOINTS
from aegis_streams.sink.errors import ConnectorError, ConnectUnreachableError
from aegis_streams.sink.migrations import CONNECT_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aegis_streams.settings import Settings
    from aegis_streams.sink.rest import ConnectRest

CONNECTORS_FILE: Final = CONNECT_FILES / "audit-sink.json"
TARGETS: Final[Mapping[str, str]] = {
    AUDIT: "aegis.audit_records",
    CHECKPOINTS: "aegis.checkpoints",
}
"""Topic -> table. Each topic has exactly one connector."""
REQUIRED: Final[Mapping[str, str]] = {
    "insert.mode": "insert",
    "delete.enabled": "false",
    "schema.evolution": "none",
    "errors.tolerance": "none",
    "consumer.override.isolation.level": "read_committed",
    "consumer.override.auto.offset.reset": "earliest",
    "value.converter.apicurio.registry.use-id": "contentId",
    "value.converter.apicurio.registry.auto-register": "false",
}
"""What the guarantee rests on (ADR 0010): another value is refused."""
STOP_SECONDS: Final = 60.0
"""How long the tasks of a stopped connector may take to leave their group."""
_POLL_SECONDS: Final = 0.5
_PLACEHOLDER: Final = re.compile(r"@([A-Z_]+)@")
_PREFIXES: Final = ("consumer.override.", "key.converter.", "value.converter.")
_NATIVE_API: Final = "/apis/registry/v2"


class Applied(NamedTuple):
    """What became of the connectors.

    Attributes:
        changed: Those made or changed now.
        unchanged: Those that had this configuration already.
    """

    changed: list[str]
    unchanged: list[str]


def load_connectors(
    addresses: Mapping[str, str], path: Path = CONNECTORS_FILE
) -> dict[str, dict[str, str]]:
    """Return the configuration of each connector by name, addresses filled in.

    Args:
        addresses: Value of each ``@NAME@``.
        path: The file.

    Raises:
        ConnectorError: The file cannot be read, or fails a check of ours; every fault is named.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        common, own = found["common"], found["connectors"]
        merged = {name: {**common, **values} for name, values in own.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConnectorError(f"{path}: cannot be read: {type(error).__name__}: {error}") from error
    filled = {
        name: {key: _filled(value, addresses) for key, value in config.items()}
        for name, config in merged.items()
    }
    wrong = [fault for name, config in filled.items() for fault in faults(name, config)]
    topics = [config.get("topics") for config in filled.values()]
    if sorted(map(str, topics)) != sorted(TARGETS):
        wrong.append(
            f"connectors: topics are {topics}; each of {sorted(TARGETS)} needs exactly one"
        )
    if wrong:
        raise ConnectorError(f"{path}: " + "; ".join(wrong))
    return filled


def addresses_of(settings: Settings) -> dict[str, str]:
    """Return the value of each ``@NAME@`` for a deployment.

    Raises:
        ConnectorError: No database is set.
    """
    if not settings.database_url:
        raise ConnectorError("AEGIS_DATABASE_URL is not set; `aegis up` sets it for a local stack")
    database = conninfo_to_dict(settings.database_url)
    host, port = database.get("host", "localhost"), database.get("port", 5432)
    registry = urlsplit(settings.registry_url)
    return {
        # Rows of a batch travel in statements of many rows: twice as fast.
        "DATABASE": f"jdbc:postgresql://{host}:{port}/{database.get('dbname', 'aegis')}"
        "?reWriteBatchedInserts=true",
        "REGISTRY": f"{registry.scheme}://{registry.netloc}{_NATIVE_API}",
        "SECRETS": str(settings.secrets_dir.absolute()),
    }


def faults(name: str, config: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a configuration in our eyes, Connect's own checks aside."""
    found = [
        f"{name}.{key}: is {config.get(key)!r}, must be {value!r}"
        for key, value in REQUIRED.items()
        if config.get(key) != value
    ]
    target = TARGETS.get(config.get("topics", ""))
    if target is None or config.get("collection.name.format") != target:
        found.append(f"{name}.collection.name.format: must be {target!r} for these topics")
    if not re.fullmatch(r"\$\{dir:[^:}]+:[^:}]+\}", config.get("connection.password", "")):
        found.append(
            f"{name}.connection.password: must be ${{dir:DIRECTORY:FILE}}, never a password"
        )
    left = sorted({mark for value in config.values() for mark in _PLACEHOLDER.findall(value)})
    found += [f"{name}: @{mark}@ has no value" for mark in left]
    return found


def apply_connectors(rest: ConnectRest, wanted: Mapping[str, Mapping[str, str]]) -> Applied:
    """Make Connect run these connectors; those that are right already are left alone.

    Raises:
        ConnectorError: Connect refuses a value, or does not know a field; nothing was changed.
        ConnectUnreachableError: Connect does not answer.
    """
    wrong = [fault for name, config in wanted.items() for fault in _refused(rest, name, config)]
    if wrong:
        raise ConnectorError("; ".join(wrong))
    changed, unchanged = [], []
    for name, config in wanted.items():
        if rest.config(name) == {"name": name, **config}:
            unchanged.append(name)
        else:
            rest.put(name, config)
            changed.append(name)
    return Applied(changed, unchanged)


def replay_connectors(rest: ConnectRest, names: Sequence[str]) -> None:
    """Make connectors offer their topics from the beginning: the guard drops what is stored.

    1. stop them  2. forget their offsets, once their tasks have left the group  3. let them run

    Raises:
        ConnectUnreachableError: Connect does not answer, or the tasks do not end.
    """
    for name in names:
        # Step 1
        rest.stop(name)
    for name in names:
        # Step 2
        deadline = time.monotonic() + STOP_SECONDS
        while not _forgotten(rest, name, last_try=time.monotonic() > deadline):
            time.sleep(_POLL_SECONDS)
        # Step 3
        rest.resume(name)


def _forgotten(rest: ConnectRest, name: str, *, last_try: bool) -> bool:
    try:
        rest.replay(name)
    except (ConnectUnreachableError, ConnectorError):
        if last_try:
            raise
        return False
    return True


def _refused(rest: ConnectRest, name: str, config: Mapping[str, str]) -> list[str]:
    wrong, known = rest.validate({"name": name, **config})
    strange = [key for key in config if key not in known and not key.startswith(_PREFIXES)]
    return [f"{name}.{fault}" for fault in wrong] + [
        f"{name}.{key}: Connect knows no such field" for key in strange
    ]


def _filled(value: object, addresses: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: addresses.get(found[1], found[0]), cast("str", value))
