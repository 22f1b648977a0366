"""The account of servers that refuse to run as root, where this user is root.

The first of `ACCOUNTS` that the system has; none is ever made. ``postgres`` comes with PostgreSQL's
own packages and owns nothing else; ``nobody`` is there on every system. An ordinary user runs
everything under his own name and none of this applies.
"""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_streams.stack.errors import ComponentError

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCOUNTS: Final = ("postgres", "nobody")
DIRECTORY: Final = "{directory}"
"""Stands for the data directory in the arguments of `as_account`."""
_SCRIPT: Final = Path(__file__).with_name("as_account.py")


class Account(NamedTuple):
    """An account of the operating system.

    Attributes:
        name: Its name.
        uid: Its user id.
        gid: Its group id.
    """

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Return the account to use in place of root; None unless this process is root.

    Raises:
        ComponentError: This is root, and there is no such account.
    """
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(name, found.pw_uid, found.pw_gid)
    raise ComponentError(
        f"PostgreSQL does not run as root, and this system has no account {' or '.join(ACCOUNTS)}; "
        "run `aegis up` as an ordinary user"
    )


def as_account(account: Account | None, directory: Path, command: Sequence[str]) -> list[str]:
    """Return a command line that runs a program under an account.

    The account may be unable to walk down to the directory (a home below /root). So the directory
    is opened as root and reached through the open descriptor: `DIRECTORY` in the arguments becomes
    its name.

    Args:
        account: The account; None runs the program as this user.
        directory: Its data directory, which the account owns.
        command: The program and its arguments.

    Raises:
        ComponentError: This system has no names for open descriptors.
    """
    if account is None:
        return [part.replace(DIRECTORY, str(directory)) for part in command]
    if not sys.platform.startswith("linux"):
        raise ComponentError("as root this works on Linux alone; run it as an ordinary user")
    return [sys.executable, "-I", str(_SCRIPT), account.name, str(directory), *command]


def own(path: Path, account: Account | None) -> None:
    """Give a file or directory to the account, if there is one."""
    if account is not None:
        os.chown(path, account.uid, account.gid)
