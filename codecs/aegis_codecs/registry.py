"""The schema registry, through Confluent's client (Apicurio answers it under ``/apis/ccompat/v7``).

What a registry says falls into three kinds that must not be mixed up: an answer, "I have no such
schema" (``UnknownSchemaError``: the record is refused for good), and no usable answer
(``RegistryUnreachableError``: wait and ask again; nothing is known about the record). A 404 counts
as the second kind only with an error code of the registry's own interface: a wrong address answers
404 to everything and must not refuse every record of the stream.

Every call is bounded: ``timeout`` seconds for each of at most ``MAX_ATTEMPTS`` attempts.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from aegis_codecs.errors import RegistryUnreachableError
from aegis_codecs.records import schemas
from aegis_codecs.records.errors import SchemaRefusedError, UnknownSchemaError
from aegis_codecs.records.wire import MAX_SCHEMA_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TIMEOUT_SECONDS: Final = 5.0
"""How long one attempt may take to connect, and then to answer."""

MAX_ATTEMPTS: Final = 2
COMPATIBILITY: Final = "FULL_TRANSITIVE"
SUBJECTS: Final = tuple((f"{topic}-value", name) for topic, name in schemas.TOPIC_RECORDS.items())
"""Subject (``TopicNameStrategy``) and record of each topic, in the order of registration."""

_WAIT_MS: Final = 200
_NOT_FOUND: Final = range(40400, 40500)
_CLIENT_ERRORS: Final = range(400, 500)
_NO_ANSWER: Final = frozenset({401, 403, 404, 405, 407, 408, 429})
"""Refusals that say nothing about the schema: a wrong address, missing rights, too many calls."""

_http: Any = import_module(
    "httpx2" if find_spec("httpx2") else "httpx"
)  # whichever the client uses
_TRANSPORT_FAULTS: Final = (_http.HTTPError, _http.InvalidURL, OSError)
_MALFORMED: Final = (ValueError, KeyError, TypeError, AttributeError)
"""What the client raises for an answer that is not the registry's."""


class Registry:
    """A connection to the registry; may be used by several threads.

    Args:
        url: Base address of the Confluent interface.
        timeout: Seconds that one attempt may take to connect, and then to answer.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._url: Final = url
        self._client: Final = SchemaRegistryClient(
            {
                "url": url,
                "timeout": timeout,
                "max.retries": MAX_ATTEMPTS - 1,
                "retries.wait.ms": _WAIT_MS,
                "retries.max.wait.ms": _WAIT_MS,
            }
        )

    def fetch(self, schema_id: int) -> str:
        """The text of the schema with this id; put it into a ``SchemaCache``.

        Raises:
            UnknownSchemaError: The registry has none of this id, or not an Avro schema.
            RegistryUnreachableError: There was no usable answer; ask again later.
        """
        if not 0 <= schema_id <= MAX_SCHEMA_ID:
            raise UnknownSchemaError(schema_id, f"ids go from 0 to {MAX_SCHEMA_ID}")
        try:
            with self._answering(f"schema id {schema_id}"):
                found = self._client.get_schema(schema_id)
        except SchemaRegistryError as error:
            if error.error_code in _NOT_FOUND:
                raise UnknownSchemaError(schema_id, "the registry has none of this id") from error
            raise self._unreachable(f"schema id {schema_id}", error) from error
        if found.schema_type != "AVRO" or not found.schema_str:
            raise UnknownSchemaError(schema_id, f"it is of type {found.schema_type}, not AVRO")
        return str(found.schema_str)

    def versions(self, subject: str) -> dict[int, str]:
        """The texts of every version of a subject, by schema id; none if it knows no such subject.

        Raises:
            RegistryUnreachableError: There was no usable answer; ask again later.
        """
        try:
            with self._answering(subject):
                numbers = self._client.get_versions(subject)
                found = [self._client.get_version(subject, number) for number in numbers]
                return {int(each.schema_id or 0): str(each.schema.schema_str) for each in found}
        except SchemaRegistryError as error:
            if error.error_code in _NOT_FOUND:
                return {}
            raise self._unreachable(subject, error) from error

    def ensure_registered(self, subjects: Iterable[tuple[str, str]] = SUBJECTS) -> dict[str, int]:
        """Register the pinned schemas and see to the compatibility level of their subjects.

        Registering what is there already changes nothing and gives the same id, so this is safe at
        every start. The order is fixed: a registry that lost its content gives the same ids again.

        Args:
            subjects: Subject and record name of each, in order.

        Returns:
            Schema id by record name.

        Raises:
            SchemaRefusedError: The registry refuses a schema, usually as incompatible.
            RegistryUnreachableError: There was no usable answer.
        """
        return {name: self._register(subject, name) for subject, name in subjects}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _register(self, subject: str, name: str) -> int:
        schema = Schema(schemas.source(name), schema_type="AVRO")
        try:
            with self._answering(subject):
                schema_id = int(self._client.register_schema(subject, schema))
                self._client.set_compatibility(subject, COMPATIBILITY)
        except SchemaRegistryError as error:
            status = error.http_status_code
            if status in _CLIENT_ERRORS and status not in _NO_ANSWER:
                raise SchemaRefusedError(
                    f"{subject}: the registry refuses schemas/avro/{name}.avsc: {error};"
                    f" it must be {COMPATIBILITY} with the versions before"
                ) from error
            raise self._unreachable(subject, error) from error
        return schema_id

    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        """Turn everything but the registry's own answers into ``RegistryUnreachableError``."""
        try:
            yield
        except SchemaRegistryError:
            raise
        except (*_TRANSPORT_FAULTS, *_MALFORMED) as error:
            raise self._unreachable(what, error) from error

    def _unreachable(self, what: str, error: Exception) -> RegistryUnreachableError:
        cause = str(error) or type(error).__name__
        return RegistryUnreachableError(
            f"{what}: no usable answer from the registry at {self._url}: {cause}"
        )


def ensure_registered(
    url: str, subjects: Iterable[tuple[str, str]] = SUBJECTS, timeout: float = TIMEOUT_SECONDS
) -> dict[str, int]:
    """``Registry.ensure_registered`` over a connection of its own."""
    registry = Registry(url, timeout)
    try:
        return registry.ensure_registered(subjects)
    finally:
        registry.close()
