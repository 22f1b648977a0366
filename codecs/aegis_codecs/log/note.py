"""Signed notes and verifier keys, as C2SP signed-note has them.

A note is a text, an empty line, and one line per signature. This module knows the form only;
what a signature means belongs to its algorithm (`aegis_codecs.signers`).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.canonical import decode_base64, encode_base64

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NOTE_BYTES: Final = 256 * 1024
"""Longest note that is parsed: 64 ML-DSA-44 lines take 213 KiB."""

MAX_SIGNATURES: Final = 64
"""Most signature lines that are parsed; the specification asks for at least 16."""

MAX_NAME_BYTES: Final = 255
"""Longest key name in UTF-8; the ML-DSA message has one byte for its length."""

KEY_ID_SIZE: Final = 4

_EM_DASH: Final = "\N{EM DASH}"
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_VKEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


class NoteSignature(NamedTuple):
    """One signature line.

    Attributes:
        name: Key name.
        key_id: Hint to the key, 4 bytes; it proves nothing.
        payload: What the algorithm put there: the signature, with a timestamp before it in some.
    """

    name: str
    key_id: bytes
    payload: bytes

    def to_bytes(self) -> bytes:
        """Return the line, with its line end."""
        value = encode_base64(self.key_id + self.payload)
        return f"{_EM_DASH} {self.name} ".encode() + value + b"\n"


class Note(NamedTuple):
    """A parsed note. Nothing in it has been verified.

    Attributes:
        text: The signed text, with its last line end.
        signatures: Every line, in the note's order, those of unknown keys among them.
    """

    text: bytes
    signatures: tuple[NoteSignature, ...]

    def to_bytes(self) -> bytes:
        """Return the note."""
        return format_note(self.text, (signature.to_bytes() for signature in self.signatures))


class VerifierKey(NamedTuple):
    """A named public key, written as one word (a vkey).

    Attributes:
        name: Key name; for a log's own key the log's origin.
        key: Type byte(s) ‖ public key.
    """

    name: str
    key: bytes

    def key_id(self) -> bytes:
        """Return the 4 bytes by which signature lines refer to this key."""
        return key_id(self.name, self.key)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id().hex()}+{encode_base64(self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Return the key that a vkey spells.

        Raises:
            ValueError: Not a vkey, or its key id belongs to another name or key.
        """
        match = _VKEY.fullmatch(text)
        if match is None or not is_key_name(match[1]):
            raise ValueError(f"{text[:80]!r} is not a vkey (name+8 hex digits+base64)")
        found = cls(match[1], decode_base64(match[3].encode()))
        if found.key_id().hex() != match[2]:
            raise ValueError(
                f"the vkey of {found.name} has key id {match[2]}, its name and key give "
                f"{found.key_id().hex()}: name or key was changed"
            )
        return found


def key_id(name: str, key: bytes) -> bytes:
    """Return the first 4 bytes of SHA-256(name ‖ 0x0A ‖ key); `key` starts with its type byte."""
    return sha256(name.encode() + b"\n" + key).digest()[:KEY_ID_SIZE]


def is_key_name(name: str) -> bool:
    """Tell whether `name` can name a key: 1 to 255 bytes, no space, no ``+``, nothing unprintable.

    Unprintable characters are refused beyond the specification: names are shown to people.
    """
    return (
        name.isprintable()
        and "+" not in name
        and not any(character.isspace() for character in name)
        and 0 < len(name.encode()) <= MAX_NAME_BYTES
    )


def format_note(text: bytes, lines: Iterable[bytes]) -> bytes:
    """Return the note of `text` (which ends in a line end) and complete signature lines."""
    return b"".join((text, b"\n", *lines))


def parse_note(data: bytes) -> Note:
    """Split a note into its text and its signatures.

    Raises:
        NotTrustedError: `malformed_note`.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise _malformed(f"{len(data)} bytes are more than {MAX_NOTE_BYTES}")
    try:
        decoded = data.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"not UTF-8 ({error.reason} at byte {error.start})") from error
    if _CONTROL.search(decoded):
        raise _malformed("it contains control characters")
    text, separator, rest = decoded.rpartition("\n\n")
    if not separator or not text or not rest.endswith("\n"):
        raise _malformed("it is not a text, an empty line, and signature lines")
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise _malformed(f"{len(lines)} signature lines are more than {MAX_SIGNATURES}")
    return Note(f"{text}\n".encode(), tuple(_parse_line(line) for line in lines))


def _parse_line(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    if dash != _EM_DASH or not is_key_name(name):
        raise _malformed(f"{line[:60]!r} is not a signature line")
    try:
        raw = decode_base64(value.encode())
    except ValueError as error:
        raise _malformed(f"signature line of {name}: {error}") from error
    if len(raw) <= KEY_ID_SIZE:
        raise _malformed(f"signature line of {name}: {len(raw)} bytes hold no signature")
    return NoteSignature(name, raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:])


def _malformed(detail: str) -> NotTrustedError:
    return NotTrustedError(Finding.MALFORMED_NOTE, f"malformed signed note: {detail}")
