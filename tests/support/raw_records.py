"""Records that the Python client cannot send: through librdkafka's C interface, names unchecked."""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    Structure,
    Union,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_ssize_t,
    c_void_p,
)
from pathlib import Path
from typing import Any, ClassVar, Final

import confluent_kafka

_TOPIC, _PARTITION, _VALUE, _KEY, _HEADER = 1, 3, 4, 5, 9
_PRODUCER: Final = 0
_FLUSH_MS: Final = 30_000


class _Bytes(Structure):
    _fields_: ClassVar = [("start", c_char_p), ("size", c_size_t)]


class _Header(Structure):
    _fields_: ClassVar = [("name", c_char_p), ("value", c_char_p), ("size", c_ssize_t)]


class _Content(Union):
    _fields_: ClassVar = [
        ("text", c_char_p),
        ("number", c_int32),
        ("bytes", _Bytes),
        ("header", _Header),
        ("reserved", c_char * 64),
    ]


class _Part(Structure):
    """An ``rd_kafka_vu_t``: one thing that is said of a record."""

    _fields_: ClassVar = [("kind", c_int), ("content", _Content)]


def produce_header(
    bootstrap: str, topic: str, partition: int, value: bytes, name: bytes, *, key: bytes = b"k"
) -> None:
    """Produce a record with one header, whose name may be any bytes but NUL.

    It is compressed as the topics are, if the value is long enough for that to pay: else the broker
    would write the record anew, the name too, with other characters for what is not UTF-8.
    """
    library = _library()
    config, said = library.rd_kafka_conf_new(), ctypes.create_string_buffer(512)
    for name_value in (b"bootstrap.servers", bootstrap.encode()), (b"compression.type", b"zstd"):
        assert library.rd_kafka_conf_set(config, *name_value, said, len(said)) == 0, said.value
    producer = library.rd_kafka_new(_PRODUCER, config, said, len(said))
    assert producer, said.value
    try:
        parts = (_Part * 5)(
            _Part(_TOPIC, _Content(text=topic.encode())),
            _Part(_PARTITION, _Content(number=partition)),
            _Part(_KEY, _Content(bytes=_Bytes(key, len(key)))),
            _Part(_VALUE, _Content(bytes=_Bytes(value, len(value)))),
            _Part(_HEADER, _Content(header=_Header(name, b"1", 1))),
        )
        assert not library.rd_kafka_produceva(producer, parts, len(parts))
        assert library.rd_kafka_flush(producer, _FLUSH_MS) == 0
    finally:
        library.rd_kafka_destroy(producer)


def _library() -> Any:
    """The C library that the Python client brings and has loaded."""
    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    library.rd_kafka_conf_new.restype = c_void_p
    library.rd_kafka_conf_set.argtypes = [c_void_p, c_char_p, c_char_p, c_char_p, c_size_t]
    library.rd_kafka_new.argtypes = [c_int, c_void_p, c_char_p, c_size_t]
    library.rd_kafka_new.restype = c_void_p
    library.rd_kafka_produceva.argtypes = [c_void_p, POINTER(_Part), c_size_t]
    library.rd_kafka_produceva.restype = c_void_p
    library.rd_kafka_flush.argtypes = [c_void_p, c_int]
    library.rd_kafka_destroy.argtypes = [c_void_p]
    return library
