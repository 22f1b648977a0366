from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.errors import RegistryUnreachableError
from aegis_codecs.records import schemas
from aegis_codecs.records.errors import SchemaRefusedError, UnknownSchemaError
from aegis_codecs.records.proposals import ProposalDecoder, ProposalEncoder
from aegis_codecs.records.wire import SchemaCache
from aegis_codecs.registry import MAX_ATTEMPTS, SUBJECTS, Registry, ensure_registered
from support.avro_records import proposal
from support.schema_registry import FakeRegistry, fake_registry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as running:
        yield running


def test_subjects_follow_the_topics() -> None:
    assert SUBJECTS[0] == ("aegis.proposals-value", "ProposalSubmitted")
    assert dict(SUBJECTS)["aegis.dead-letters-value"] == "DeadLetter"
    assert len(SUBJECTS) == 6


def test_registration_in_order_with_compatibility(fake: FakeRegistry) -> None:
    ids = ensure_registered(fake.url)
    assert ids == {name: number for number, (_, name) in enumerate(SUBJECTS, start=1)}
    assert list(fake.subjects) == [subject for subject, _ in SUBJECTS]
    assert fake.levels == {subject: "FULL_TRANSITIVE" for subject, _ in SUBJECTS}
    assert fake.texts[1] == schemas.source("ProposalSubmitted")


def test_registering_again_changes_nothing(fake: FakeRegistry) -> None:
    assert ensure_registered(fake.url) == ensure_registered(fake.url)
    assert len(fake.texts) == len(SUBJECTS)


def test_a_registry_that_lost_everything_gives_the_same_ids_again(fake: FakeRegistry) -> None:
    before = ensure_registered(fake.url)
    fake.texts.clear()
    assert ensure_registered(fake.url) == before


def test_some_subjects_only(fake: FakeRegistry) -> None:
    assert ensure_registered(fake.url, [("x-value", "Checkpoint")]) == {"Checkpoint": 1}
    assert list(fake.subjects) == ["x-value"]


def test_fetched_schema_decodes_what_was_encoded_with_it(fake: FakeRegistry) -> None:
    number = ensure_registered(fake.url)["ProposalSubmitted"]
    registry, cache = Registry(fake.url), SchemaCache()
    cache.put(number, registry.fetch(number))
    value = ProposalEncoder(number).encode(proposal())
    assert ProposalDecoder(cache).decode(value) == proposal()
    registry.close()


def test_every_version_of_a_subject(fake: FakeRegistry) -> None:
    ensure_registered(fake.url)
    fake.register("aegis.decisions-value", '"string"')
    found = Registry(fake.url).versions("aegis.decisions-value")
    assert list(found.values()) == [schemas.source("SignedDecision"), '"string"']
    assert all(fake.texts[number] == text for number, text in found.items())


def test_a_subject_that_is_not_there_has_no_versions(fake: FakeRegistry) -> None:
    assert Registry(fake.url).versions("nothing-value") == {}


@pytest.mark.parametrize("answer", [(404, b"<html>"), (200, b"[1"), (503, b"{}")])
def test_no_usable_answer_about_a_subject(fake: FakeRegistry, answer: tuple[int, bytes]) -> None:
    fake.answer = answer
    with pytest.raises(RegistryUnreachableError, match="nothing-value: no usable answer"):
        Registry(fake.url).versions("nothing-value")


def test_unknown_id(fake: FakeRegistry) -> None:
    with pytest.raises(UnknownSchemaError, match="id 99 ") as caught:
        Registry(fake.url).fetch(99)
    assert caught.value.schema_id == 99


@pytest.mark.parametrize("schema_id", [-1, 2**31, 2**32 - 1])
def test_ids_that_are_never_given_out_are_not_asked_for(fake: FakeRegistry, schema_id: int) -> None:
    with pytest.raises(UnknownSchemaError, match="ids go from 0 to 2147483647"):
        Registry(fake.url).fetch(schema_id)
    assert fake.requests == []


def test_schema_of_another_kind(fake: FakeRegistry) -> None:
    fake.texts[1], fake.schema_type = "syntax = 'proto3';", "PROTOBUF"
    with pytest.raises(UnknownSchemaError, match="PROTOBUF"):
        Registry(fake.url).fetch(1)


def error(code: int) -> bytes:
    return json.dumps({"error_code": code, "message": "no"}).encode()


UNUSABLE = {
    "wrong address": (404, b"<html>not here</html>"),
    "wrong address in JSON": (404, error(404)),
    "not allowed": (401, error(40101)),
    "forbidden": (403, error(40301)),
    "broken": (500, error(50001)),
    "busy": (503, b""),
    "no JSON": (200, b"<html>welcome</html>"),
    "no answer": (200, b""),
    "another answer": (200, b"[]"),
    "a redirect": (302, b""),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_unusable_answers_say_nothing_about_a_schema(fake: FakeRegistry, case: str) -> None:
    fake.answer = UNUSABLE[case]
    with pytest.raises(RegistryUnreachableError, match="no usable answer"):
        Registry(fake.url).fetch(1)
    with pytest.raises(RegistryUnreachableError, match="no usable answer"):
        ensure_registered(fake.url)


@pytest.mark.parametrize("status", [409, 422])
def test_refused_schema(fake: FakeRegistry, status: int) -> None:
    fake.answer = (status, error(status * 100 + 1))
    with pytest.raises(SchemaRefusedError, match="refuses schemas/avro/ProposalSubmitted"):
        ensure_registered(fake.url)


def test_attempts_are_bounded(fake: FakeRegistry) -> None:
    fake.answer = (503, b"")
    with pytest.raises(RegistryUnreachableError):
        Registry(fake.url).fetch(1)
    assert fake.requests == ["GET /schemas/ids/1"] * MAX_ATTEMPTS


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(RegistryUnreachableError, match=url):
        Registry(url).fetch(1)


def test_somebody_listens_and_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RegistryUnreachableError, match="schema id 1"):
            Registry(url, timeout=0.1).fetch(1)
