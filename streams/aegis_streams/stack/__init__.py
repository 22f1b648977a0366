"""The local stack: real Kafka and a real registry on this machine, and workers kept alive."""

from __future__ import annotations
