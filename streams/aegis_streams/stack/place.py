"""``stack.json``: where the running stack is to be found, written by ``aegis up``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from aegis_streams.stack.addresses import settings_of
from aegis_streams.stack.component import Place
from aegis_streams.stack.errors import StackError
from aegis_streams.stack.files import write_atomically
from aegis_streams.stack.ports import Ports

if TYPE_CHECKING:
    from aegis_streams.stack.layout import Layout


def save_place(place: Place) -> None:
    """Write down the addresses of a stack, under the names of the settings, and its ports."""
    found = {
        **settings_of(place.layout.home, place.ports),
        "jars": str(place.jars),
        "ports": asdict(place.ports),
    }
    write_atomically(place.layout.stack_file, json.dumps(found, indent=1))


def load_place(layout: Layout) -> Place:
    """Return what `save_place` wrote down.

    Raises:
        StackError: It is not there or cannot be understood.
    """
    try:
        found = json.loads(layout.stack_file.read_text(encoding="utf-8"))
        return Place(layout, Ports(**found["ports"]), Path(found["jars"]))
    except FileNotFoundError as error:
        raise StackError(f"{layout.home} holds no stack; start one with `aegis up`") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StackError(
            f"{layout.stack_file}: cannot be read ({error}); stop the stack with `aegis down` and "
            "start it again with `aegis up`"
        ) from error
