"""The task between PostgreSQL and those who use it: migrations, roles, partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aegis_streams.settings import ENVIRONMENT
from aegis_streams.sink.access import ADMIN, database_url
from aegis_streams.stack.components.aegis import AegisCommand, aegis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Database(AegisCommand):
    """Runs ``aegis database prepare`` once per start of the stack."""

    name: ClassVar[str] = "database"
    needs: ClassVar[tuple[str, ...]] = ("postgres",)
    task: ClassVar[bool] = True

    def command(self) -> Sequence[str]:
        """Return the verb."""
        return aegis("database", "prepare")

    def environment(self) -> Mapping[str, str]:
        """Add the administrator's address, which nobody else is given."""
        layout, port = self.place.layout, self.place.ports.postgres
        url = database_url(layout.secrets, ADMIN, port)
        return {**super().environment(), ENVIRONMENT["database_admin_url"]: url}

    def ready(self) -> bool:
        """Never ready while it runs: it has to end."""
        return False
