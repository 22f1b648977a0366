"""The local stack: real Kafka and a real registry on this machine, and workers kept alive."""

from __future__ import annotations

from aegis_streams.stack.control import bring_up, running_supervisor, take_down, wipe
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.overview import ComponentView, Overview, overview
from aegis_streams.stack.progress import Narrator

__all__ = [
    "ComponentView",
    "Layout",
    "Narrator",
    "Overview",
    "bring_up",
    "overview",
    "running_supervisor",
    "take_down",
    "wipe",
]
