"""What the components share that are `aegis` commands themselves."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from aegis_streams.stack.addresses import environment_of
from aegis_streams.stack.component import Component
from aegis_streams.stack.errors import ComponentError

if TYPE_CHECKING:
    from collections.abc import Mapping


class AegisCommand(Component):
    """A component whose program is this very installation's `aegis`."""

    def environment(self) -> Mapping[str, str]:
        """Name the stack in full: no variable of the user may lead a worker elsewhere."""
        return environment_of(self.place.layout.home, self.place.ports)


def aegis(*arguments: str) -> list[str]:
    """Return the command line of an `aegis` verb.

    Raises:
        ComponentError: The command is not installed beside this Python.
    """
    script = Path(sysconfig.get_path("scripts")) / "aegis"
    if not script.exists():
        raise ComponentError(f'{script} is missing; run `pip install "aegis-governance[streams]"`')
    return [str(script), *arguments]
