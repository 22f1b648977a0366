"""Become another account, then become a program: ``as_account.py ACCOUNT DIRECTORY PROGRAM ...``.

A script of its own, without any import from this package: it starts in milliseconds, and the
program takes over its process id. ``{directory}`` in the arguments becomes a name of the open
directory that works even where the account cannot walk down to it.
"""

from __future__ import annotations

import os
import pwd
import sys


def main(name: str, directory: str, program: str, *arguments: str) -> None:
    """Do it; does not return."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(opened, True)
    account = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.chdir("/")
    given = [part.replace("{directory}", f"/proc/self/fd/{opened}") for part in arguments]
    os.execv(program, [program, *given])  # noqa: S606 # nosec B606  # it replaces this process


if __name__ == "__main__":
    main(*sys.argv[1:])
