"""What is said of a component that was waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from aegis_streams.stack.child import Child
from aegis_streams.stack.component import Place
from aegis_streams.stack.errors import ComponentError
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.ports import Ports
from support.fake_components import Fake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Wavering(Fake):
    """Ready once; right afterwards it is not, as a broker is that was fenced for a moment."""

    name = "wavering"
    answers: Iterator[bool] = iter(())

    def ready(self) -> bool:
        return next(self.answers, False)


class Late(Fake):
    """Never ready."""

    name = "late"
    script = "print('what it said last', flush=True)\nwhile True: time.sleep(60)\n"
    ready_seconds: ClassVar[float] = 0.5


class Ended(Fake):
    """Ends before it is ready."""

    name = "ended"
    script = "sys.exit(3)\n"


def waited(kind: type[Fake], home: Path) -> None:
    child = Child(kind(Place(Layout(home), Ports(), home)))
    child.start()
    try:
        child.wait_ready()
    finally:
        child.kill()


def test_who_was_ready_when_asked_is_ready(tmp_path: Path) -> None:
    Wavering.answers = iter((False, True))
    waited(Wavering, tmp_path)
    assert not next(Wavering.answers, False)


@pytest.mark.parametrize(
    ("kind", "told"), [(Late, "not ready after 0 s"), (Ended, "ended with exit code 3")]
)
def test_who_was_not_is_said_to_be_so(kind: type[Fake], told: str, tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match=told):
        waited(kind, tmp_path)
