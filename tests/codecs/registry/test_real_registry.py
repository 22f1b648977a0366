"""What the registry of the local stack really answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from aegis_codecs.errors import RegistryUnreachableError
from aegis_codecs.records import schemas
from aegis_codecs.records.errors import SchemaRefusedError, UnknownSchemaError
from aegis_codecs.registry import Registry, ensure_registered
from support.stack import unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.stack import RunningStack

pytestmark = pytest.mark.stack


@pytest.fixture
def registry(stack: RunningStack) -> Iterator[Registry]:
    connected = Registry(stack.registry_url)
    yield connected
    connected.close()


def test_registered_schemas_come_back(stack: RunningStack, registry: Registry) -> None:
    ids = ensure_registered(stack.registry_url)
    assert list(ids) == list(schemas.TOPIC_RECORDS.values())
    assert registry.ensure_registered() == ids
    for name, schema_id in ids.items():
        text = registry.fetch(schema_id)
        assert schemas.canonical_form(text) == schemas.canonical(name)
        assert schemas.parsed(text) == schemas.parsed(schemas.source(name))


def test_versions_of_a_subject(stack: RunningStack, registry: Registry) -> None:
    ids = ensure_registered(stack.registry_url)
    found = registry.versions("aegis.decisions-value")
    assert found[ids["SignedDecision"]] == registry.fetch(ids["SignedDecision"])
    assert registry.versions(unique("nothing")) == {}


def test_compatibility_level_of_the_subjects(stack: RunningStack) -> None:
    ensure_registered(stack.registry_url)
    client = SchemaRegistryClient({"url": stack.registry_url})
    for topic in schemas.TOPIC_RECORDS:
        assert client.get_compatibility(f"{topic}-value") == "FULL_TRANSITIVE"


@pytest.mark.parametrize("schema_id", [0, 999_999, 2**31 - 1, 2**31, 2**32 - 1])
def test_unknown_ids(registry: Registry, schema_id: int) -> None:
    with pytest.raises(UnknownSchemaError):
        registry.fetch(schema_id)


def test_incompatible_schema_is_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = unique("refused")
    registry.ensure_registered([(subject, "Checkpoint")])
    changed = json.loads(schemas.source("Checkpoint"))
    changed["fields"].append({"name": "surplus", "type": "string"})
    monkeypatch.setattr(schemas, "source", lambda _: json.dumps(changed))
    with pytest.raises(SchemaRefusedError, match=subject):
        registry.ensure_registered([(subject, "Checkpoint")])


def test_wrong_address_refuses_no_record(stack: RunningStack) -> None:
    base, _, _ = stack.registry_url.partition("/apis/")
    for url in (f"{base}/nowhere", f"{base}/apis/registry/v2", f"{base}/apis/ccompat/v9"):
        with pytest.raises(RegistryUnreachableError):
            Registry(url).fetch(1)
