"""The connector configuration: one file, checked before Connect ever sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aegis_streams.settings import Settings
from aegis_streams.sink.connectors import (
    CONNECTORS_FILE,
    REQUIRED,
    TARGETS,
    addresses_of,
    load_connectors,
)
from aegis_streams.sink.errors import ConnectorError
from aegis_streams.sink.migrations import CONNECT_FILES

if TYPE_CHECKING:
    from pathlib import Path

ADDRESSES = {"DATABASE": "jdbc:postgresql://db/aegis", "REGISTRY": "http://r", "SECRETS": "/run/s"}


def written(tmp_path: Path, change: dict[str, str | None], part: str = "common") -> Path:
    found: dict[str, Any] = json.loads(CONNECTORS_FILE.read_text())
    place = found[part] if part == "common" else found["connectors"][part]
    for key, value in change.items():
        if value is None:
            del place[key]
        else:
            place[key] = value
    path = tmp_path / "sink.json"
    path.write_text(json.dumps(found))
    return path


def test_the_file_is_sound() -> None:
    found = load_connectors(ADDRESSES)
    assert sorted(config["topics"] for config in found.values()) == sorted(TARGETS)
    for config in found.values():
        assert config["connection.url"] == "jdbc:postgresql://db/aegis"
        assert config["connection.password"] == "${dir:/run/s:aegis_sink.password}"


def test_addresses_follow_from_the_settings(tmp_path: Path) -> None:
    settings = Settings(
        database_url="postgresql://aegis_auditor@db.example:6432/audit?passfile=/x",
        registry_url="http://registry:8080/apis/ccompat/v7",
        secrets_dir=tmp_path,
    )
    assert addresses_of(settings) == {
        "DATABASE": "jdbc:postgresql://db.example:6432/audit?reWriteBatchedInserts=true",
        "REGISTRY": "http://registry:8080/apis/registry/v2",
        "SECRETS": str(tmp_path),
    }


def test_without_a_database_it_says_which_variable() -> None:
    with pytest.raises(ConnectorError, match="AEGIS_DATABASE_URL"):
        addresses_of(Settings())


@pytest.mark.parametrize("key", REQUIRED)
@pytest.mark.parametrize("value", ["something", None])
def test_what_the_guarantee_rests_on_is_not_changed(
    key: str, value: str | None, tmp_path: Path
) -> None:
    path = written(tmp_path, {key: value})
    with pytest.raises(ConnectorError) as told:
        load_connectors(ADDRESSES, path)
    assert f"aegis-audit.{key}: is {value!r}, must be" in str(told.value)


def test_a_password_in_the_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = written(tmp_path, {"connection.password": "hunter2"})
    with pytest.raises(ConnectorError, match=r"connection\.password: must be") as told:
        load_connectors(ADDRESSES, path)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"topics": "aegis.decisions"}, "topics are"),
        ({"collection.name.format": "elsewhere"}, r"collection\.name\.format: must be"),
        ({"topics": "@NOWHERE@"}, "@NOWHERE@ has no value"),
    ],
)
def test_topics_and_tables_belong_together(
    change: dict[str, str | None], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, change, "aegis-audit")
    with pytest.raises(ConnectorError, match=message):
        load_connectors(ADDRESSES, path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"common": {}, "connectors": []}'])
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sink.json"
    path.write_text(text)
    with pytest.raises(ConnectorError, match=r"sink\.json"):
        load_connectors(ADDRESSES, path)


def test_no_file_of_the_sink_holds_an_address_or_a_password() -> None:
    for path in CONNECT_FILES.rglob("*"):
        if path.is_file():
            assert "://" not in path.read_text(), path
