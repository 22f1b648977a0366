"""PostgreSQL: the audit database. It listens on the loopback address alone, with passwords."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from aegis_streams.sink.access import ADMIN, database_url, ensure_password
from aegis_streams.sink.database import connected
from aegis_streams.sink.errors import DatabaseUnreachableError
from aegis_streams.stack.accounts import DIRECTORY, as_account, own, unprivileged_account
from aegis_streams.stack.component import Component
from aegis_streams.stack.errors import ComponentError
from aegis_streams.stack.files import write_atomically
from aegis_streams.stack.layout import LOCAL_FILES
from aegis_streams.stack.ports import HOST
from aegis_streams.stack.postgresql import Programs, ensure_programs
from aegis_streams.stack.probes import listening
from aegis_streams.stack.processes import piped, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_streams.stack.accounts import Account

_MARK: Final = "aegis.initialised"
"""File in the data directory: it was made to the end."""
_ORPHAN_SECONDS: Final = 15.0
_SHARED_MEMORY: Final = Path("/proc/sysvipc/shm")


class Postgres(Component):
    """The server; its data directory is made once and survives every restart."""

    name: ClassVar[str] = "postgres"
    ports: ClassVar[tuple[str, ...]] = ("postgres",)
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": it does not wait for clients
    stop_seconds: ClassVar[float] = 30.0
    options: ClassVar[tuple[str, ...]] = ()
    """Further lines of its configuration."""

    def prepare(self) -> None:
        """Make the data directory if it is new, write the configuration, let orphans end."""
        account = unprivileged_account()
        if not (self._data / _MARK).exists():
            self._make(account)
        shared = (LOCAL_FILES / "postgresql.conf").read_text(encoding="utf-8")
        own_lines = [f"listen_addresses = '{HOST}'", f"port = {self.place.ports.postgres}"]
        self._write("postgresql.conf", shared + "\n".join([*own_lines, *self.options, ""]), account)
        self._write("pg_hba.conf", f"host all all {HOST}/32 scram-sha-256\n", account)
        wait_until(self._memory_is_free, _ORPHAN_SECONDS)

    def command(self) -> Sequence[str]:
        """Return the server's command line."""
        server = [self._programs().path("postgres"), "-D", DIRECTORY]
        return as_account(unprivileged_account(), self._data, server)

    def ready(self) -> bool:
        """Whether it answers a query."""
        if not listening(self.place.ports.postgres):
            return False
        url = database_url(self.place.layout.secrets, ADMIN, self.place.ports.postgres, "postgres")
        try:
            with connected(url) as connection:
                connection.execute("select 1")
        except DatabaseUnreachableError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self.place.layout.data(self.name)

    def _programs(self) -> Programs:
        version = self._data / "PG_VERSION"
        wanted = int(version.read_text(encoding="utf-8")) if version.exists() else None
        return ensure_programs(lambda _: None, wanted)

    def _make(self, account: Account | None) -> None:
        shutil.rmtree(self._data, ignore_errors=True)  # a start that was cut short
        self._data.mkdir(mode=0o700, parents=True)
        own(self._data, account)
        password = ensure_password(self.place.layout.secrets, ADMIN)
        with tempfile.NamedTemporaryFile("w", prefix="aegis-", encoding="utf-8") as file:
            file.write(password)
            file.flush()
            own(Path(file.name), account)
            self._initdb(file.name, account)
        self._write(_MARK, "", account)

    def _initdb(self, password_file: str, account: Account | None) -> None:
        command = [
            *(self._programs().path("initdb"), "-D", DIRECTORY, f"--username={ADMIN}"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}"),
            *("--encoding=UTF8", "--locale=C", "--data-checksums"),
        ]
        with piped(as_account(account, self._data, command)) as process:
            output = process.communicate()[0]
        if process.returncode != 0:
            raise ComponentError(f"postgres: its data directory cannot be made: {output[-1500:]}")

    def _write(self, name: str, text: str, account: Account | None) -> None:
        write_atomically(self._data / name, text)
        own(self._data / name, account)

    def _memory_is_free(self) -> bool:
        """Whether nobody holds the shared memory of a server that was killed.

        Its children outlive it for a moment, and the next server refuses to start beside them.
        """
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            segment = lines[6].split()[1]
            rows = [line.split() for line in _SHARED_MEMORY.read_text("utf-8").splitlines()[1:]]
        except (OSError, IndexError):
            return True
        return not any(row[1] == segment and row[6] != "0" for row in rows)
