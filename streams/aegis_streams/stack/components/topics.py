"""The task between the servers and the workers: topics, schemas and genesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aegis_streams.stack.components.aegis import AegisCommand, aegis

if TYPE_CHECKING:
    from collections.abc import Sequence


class Topics(AegisCommand):
    """Runs ``aegis topics ensure`` once per start of the stack."""

    name: ClassVar[str] = "topics"
    needs: ClassVar[tuple[str, ...]] = ("kafka", "registry")
    task: ClassVar[bool] = True

    def command(self) -> Sequence[str]:
        """Return the verb."""
        return aegis("topics", "ensure")

    def ready(self) -> bool:
        """Never ready while it runs: it has to end."""
        return False
