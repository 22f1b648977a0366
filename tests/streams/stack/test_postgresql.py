"""PostgreSQL where none is installed, and under which account it runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from aegis_streams.sink.access import ADMIN, database_url
from aegis_streams.sink.database import connected
from aegis_streams.stack import accounts, postgresql
from aegis_streams.stack.accounts import Account, as_account, unprivileged_account
from aegis_streams.stack.components.postgres import Postgres
from aegis_streams.stack.errors import ComponentError
from aegis_streams.stack.local import LocalStack
from aegis_streams.stack.ports import Ports
from support.stack import stack_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.database import DatabaseServer


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without PostgreSQL, and a place that any account can read."""
    found = Path(tempfile.mkdtemp(prefix="aegis-shared-"))
    found.chmod(0o755)
    monkeypatch.setattr(postgresql, "installed", lambda _: ())
    monkeypatch.setattr(postgresql, "SHARED", found / "postgresql")
    yield
    shutil.rmtree(found)


@pytest.mark.stack
@pytest.mark.usefixtures("shared")
def test_without_an_installed_server_a_package_does() -> None:
    home = stack_directory("package")
    try:
        with LocalStack(home, Ports.free(), home / "jars", (Postgres,)) as stack:
            place = stack.place
            url = database_url(place.layout.secrets, ADMIN, place.ports.postgres, "postgres")
            with connected(url) as connection:
                row = connection.execute("show server_version").fetchone()
            assert row is not None
            assert row[0].startswith("17.")
            told: list[str] = []
            with pytest.raises(ComponentError, match=r"written by PostgreSQL 12.*only \[17\]"):
                postgresql.ensure_programs(told.append, 12)
    finally:
        shutil.rmtree(home)


def test_the_server_is_not_root(database_server: DatabaseServer) -> None:
    identity = database_server.stack.child("postgres").identity
    assert identity is not None
    users = psutil.Process(identity.pid).uids()
    account = unprivileged_account()
    expected = os.geteuid() if account is None else account.uid
    assert set(users) == {expected}
    assert expected != 0


def test_an_ordinary_user_runs_it_under_his_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged_account() is None
    assert as_account(None, Path("/data"), ["postgres", "-D", "{directory}"]) == [
        "postgres", "-D", "/data",
    ]  # fmt: skip


def test_no_account_is_ever_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(accounts, "ACCOUNTS", ("nobody-here-is-called-so",))
    with pytest.raises(ComponentError, match="as an ordinary user"):
        unprivileged_account()


def test_the_directory_is_named_by_its_descriptor() -> None:
    command = as_account(Account("nobody", 65534, 65534), Path("/data"), ["/bin/x", "{directory}"])
    assert command[-4:] == ["nobody", "/data", "/bin/x", "{directory}"]
