"""The components of the local stack: a class each, and one registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_streams.stack.components.connect import Connect
from aegis_streams.stack.components.database import Database
from aegis_streams.stack.components.kafka import Kafka
from aegis_streams.stack.components.postgres import Postgres
from aegis_streams.stack.components.registry import Registry
from aegis_streams.stack.components.sink import Sink
from aegis_streams.stack.components.topics import Topics
from aegis_streams.stack.components.workers import Decider, Sealer
from aegis_streams.stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aegis_streams.stack.component import Component

COMPONENTS: Final[Mapping[str, type[Component]]] = {
    kind.name: kind
    for kind in (Kafka, Registry, Postgres, Connect, Topics, Database, Decider, Sealer, Sink)
}
"""Every component of ``aegis up``, by name."""


def select(names: Sequence[str]) -> list[type[Component]]:
    """Return the named components with all that they need; all of them if no name is given.

    Raises:
        StackError: There is no component of that name.
    """
    wanted: set[str] = set()
    left = list(names or COMPONENTS)
    while left:
        name = left.pop()
        if name not in COMPONENTS:
            raise StackError(f"no component {name!r}; there are {', '.join(COMPONENTS)}")
        wanted.add(name)
        left.extend(COMPONENTS[name].needs)
    return [kind for name, kind in COMPONENTS.items() if name in wanted]
