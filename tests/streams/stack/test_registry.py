from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_streams.stack.component import Place
from aegis_streams.stack.components import registry
from aegis_streams.stack.components.registry import Registry
from aegis_streams.stack.layout import Layout
from aegis_streams.stack.ports import Ports

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setattr(registry, "http_get", lambda *_: b"[]")
    return Registry(Place(Layout(tmp_path), Ports(), tmp_path))


def test_a_database_that_was_ready_is_kept(component: Registry) -> None:
    component.prepare()
    database = component.place.layout.data("registry") / "schemas.mv.db"
    database.write_bytes(b"whole")
    assert component.ready()
    component.prepare()
    assert database.read_bytes() == b"whole"


def test_a_database_that_never_was_ready_begins_anew(
    component: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "http_get", lambda *_: None)
    component.prepare()
    database = component.place.layout.data("registry") / "schemas.mv.db"
    database.write_bytes(b"half made")
    assert not component.ready()
    component.prepare()
    assert not database.exists()
