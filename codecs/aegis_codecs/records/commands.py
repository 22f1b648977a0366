"""Commands of people and of the ticker."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, TypedDict

from aegis_codecs.records.codec import Codec


class CommandSignature(TypedDict):
    """One signature over a command."""

    key_id: str
    role: str
    algorithm: str
    signature: bytes


class Command(NamedTuple):
    """One record of the command topic, fields as in ``schemas/avro/Command.avsc``."""

    command_id: str
    kind: str
    issued_at: int
    expires_at: int | None
    payload: bytes
    signatures: list[CommandSignature]
    agent_id: str


@cache
def codec() -> Codec[Command]:
    """The codec of commands."""
    return Codec("Command", Command)
