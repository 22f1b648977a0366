"""Where the servers of a local stack answer, given its ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_streams.settings import ENVIRONMENT
from aegis_streams.sink.access import AUDITOR, database_url
from aegis_streams.stack.layout import SECRETS
from aegis_streams.stack.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aegis_streams.stack.ports import Ports

CONFLUENT_API: Final = "/apis/ccompat/v7"
"""Path of the registry's API in Confluent's form."""


def bootstrap(ports: Ports) -> str:
    """Return the Kafka bootstrap servers."""
    return f"{HOST}:{ports.kafka}"


def registry_url(ports: Ports) -> str:
    """Return the address of the registry in Confluent's API."""
    return f"http://{HOST}:{ports.registry}{CONFLUENT_API}"


def settings_of(home: Path, ports: Ports) -> Mapping[str, object]:
    """Return the fields of `Settings` that follow from a local stack."""
    return {
        "bootstrap": bootstrap(ports),
        "registry_url": registry_url(ports),
        "database_url": database_url(home / SECRETS, AUDITOR, ports.postgres),
        "connect_url": f"http://{HOST}:{ports.connect}",
        "decide_metrics_port": ports.decide_metrics,
        "seal_metrics_port": ports.seal_metrics,
        "sink_metrics_port": ports.sink_metrics,
        "listen_host": HOST,
        "replication": 1,
        "local": True,
    }


def environment_of(home: Path, ports: Ports) -> dict[str, str]:
    """Return the variables by which a process of the stack finds it, and no other cluster."""
    values = {"home": home, **settings_of(home, ports)}
    return {ENVIRONMENT[name]: str(value) for name, value in values.items()}
