"""Who is believed: the trust file, and the signatures that a checkpoint must carry.

Origin and keys come from the trust file alone. What it demands is in ADR 0004: every key of a log
signs; a witness that signed must verify; enough witnesses signed; nothing past the epoch's cut.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from aegis_streams.fsck.errors import CannotCheckError, DistrustError
from aegis_streams.fsck.notes import Head, Line, read_note
from aegis_streams.fsck.text import LARGEST, from_base64

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = "aegis-trust/v1"
LOG_TYPES: Final = {"ed25519": 0x01, "ml-dsa-44": 0x06}
"""Signature types of a log's own keys."""
COSIGNED: Final = 0x04
_UNUSABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""What reading a malformed trust file ends with."""
_REMEMBERED: Final = 512
_MEMBERS: Final = frozenset({"deployment", "region", "epoch", "partitions", "keys"})
_OPTIONAL: Final = frozenset({"witnesses", "quorum", "cut"})


class Key(NamedTuple):
    """A public key under a name: type byte of its signatures, and the raw key."""

    name: str
    kind: int
    public: bytes

    def key_id(self) -> bytes:
        """Return the 4 bytes by which a signature line names this key."""
        data = self.name.encode() + b"\n" + bytes((self.kind,)) + self.public
        return hashlib.sha256(data).digest()[:4]


class Believed(NamedTuple):
    """What the trust file says of one log."""

    origin: str
    keys: tuple[Key, ...]
    witnesses: tuple[Key, ...]
    quorum: int
    cut: tuple[int, bytes] | None


class Trust:
    """A trust file.

    Attributes:
        logs: What is believed, by origin.
        sha256: Hash of the file, hexadecimal.
    """

    def __init__(self, data: bytes) -> None:
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.logs: dict[str, Believed] = {}
        try:
            for epoch in _epochs(data):
                self.logs.update((log.origin, log) for log in _logs(epoch))
        except _UNUSABLE as error:
            raise CannotCheckError(f"the trust file cannot be used: {error}") from error

    @classmethod
    def load(cls, path: Path) -> Trust:
        """Read a trust file.

        Raises:
            CannotCheckError: It is missing, unreadable, malformed, or names an unknown algorithm.
        """
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise CannotCheckError(
                f"trust file {path}: {error.strerror}; get it from who runs the log, or name it by "
                "--trust"
            ) from error


class Signatures:
    """Checks checkpoints against a trust file, and remembers those that were good."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._good: OrderedDict[bytes, Head] = OrderedDict()

    def check(self, note: bytes) -> Head:
        """Return the tree head of a note that carries every signature it must.

        Raises:
            DistrustError: Says which demand it fails.
        """
        known = self._good.get(note)
        if known is not None:
            return known
        head = read_note(note)
        believed = self._trust.logs.get(head.origin)
        if believed is None:
            raise DistrustError(
                "origin_unknown", f"the trust file knows no log {head.origin[:200]!r}"
            )
        for key in believed.keys:
            _require(key, head)
        cosigned = sum(_cosigned(key, head) for key in believed.witnesses)
        if cosigned < believed.quorum:
            raise DistrustError(
                "witnesses_missing", f"{cosigned} of {believed.quorum} witnesses cosigned"
            )
        _within_cut(believed, head)
        self._good[note] = head
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
        return head


def _require(key: Key, head: Head) -> None:
    lines = _lines_of(key, head)
    name = next(name for name, kind in LOG_TYPES.items() if kind == key.kind)
    if not lines:
        raise DistrustError("signature_missing", f"no {name} signature of {key.name}")
    if len(lines) > 1 or _signed_time(key, head, lines[0]) is None:
        raise DistrustError(
            "signature_invalid", f"the {name} signature is not that of the trusted key {key.name}"
        )


def _cosigned(key: Key, head: Head) -> bool:
    lines = _lines_of(key, head)
    if not lines:
        return False
    time = _signed_time(key, head, lines[0]) if len(lines) == 1 else None
    if time is None:
        raise DistrustError("signature_invalid", f"the cosignature of witness {key.name} is wrong")
    return time > 0


def _lines_of(key: Key, head: Head) -> list[Line]:
    wanted = key.name, key.key_id()
    return [line for line in head.lines if (line.name, line.key_id) == wanted]


def _signed_time(key: Key, head: Head, line: Line) -> int | None:
    """Return the time a line claims (0 for none), None if its signature does not verify."""
    time, signature = 0, line.payload
    if key.kind != LOG_TYPES["ed25519"]:
        time, signature = int.from_bytes(line.payload[:8], "big"), line.payload[8:]
    if time > LARGEST:
        return None
    try:
        if key.kind == LOG_TYPES["ml-dsa-44"]:
            message = _subtree_message(key.name, head, time)
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        else:
            claim = b"cosignature/v1\ntime %d\n" % time if key.kind == COSIGNED else b""
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, claim + head.text)
    except (InvalidSignature, ValueError):
        return None
    return time


def _subtree_message(name: str, head: Head, time: int) -> bytes:
    who, log = name.encode(), head.origin.encode()
    return (
        b"subtree/v1\n\0"
        + bytes((len(who),))
        + who
        + time.to_bytes(8, "big")
        + bytes((len(log),))
        + log
        + (0).to_bytes(8, "big")
        + head.size.to_bytes(8, "big")
        + head.root
    )


def _within_cut(believed: Believed, head: Head) -> None:
    if believed.cut is None or head.size < believed.cut[0]:
        return
    if (head.size, head.root) != believed.cut:
        raise DistrustError(
            "past_cut",
            f"the trust file ends this log at {believed.cut[0]} leaves, the checkpoint has "
            f"{head.size}, or another root",
        )


def _epochs(data: bytes) -> list[dict[str, Any]]:
    whole = json.loads(data, object_pairs_hook=_once)
    if set(whole) != {"format", "epochs"} or whole["format"] != FORMAT:
        raise ValueError(f"not in the format {FORMAT}")
    epochs: list[dict[str, Any]] = whole["epochs"]
    return epochs


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _logs(epoch: dict[str, Any]) -> list[Believed]:
    if not set(epoch) >= _MEMBERS or set(epoch) - _MEMBERS - _OPTIONAL:
        raise ValueError(f"an epoch with members {', '.join(sorted(epoch))}")
    kinds = [text.partition(":") for text in epoch["keys"]]
    unknown = {name for name, _, _ in kinds} - set(LOG_TYPES)
    if unknown or {name for name, _, _ in kinds} != set(LOG_TYPES):
        raise ValueError(
            f"keys must be of {' and '.join(LOG_TYPES)}; found {', '.join(n for n, _, _ in kinds)}"
        )
    raw = [(LOG_TYPES[name], from_base64(public)) for name, _, public in kinds]
    witnesses = tuple(_vkey(text) for text in epoch.get("witnesses", []))
    cuts = epoch.get("cut")
    base = f"{epoch['deployment']}/{epoch['region']}/{int(epoch['epoch'])}"
    return [
        Believed(
            f"{base}/{partition}",
            tuple(Key(f"{base}/{partition}", kind, public) for kind, public in raw),
            witnesses,
            int(epoch.get("quorum", 0)),
            (
                None
                if cuts is None
                else (int(cuts[partition]["size"]), from_base64(cuts[partition]["root"]))
            ),
        )
        for partition in range(int(epoch["partitions"]))
    ]


def _vkey(text: str) -> Key:
    name, key_id, value = text.split("+", 2)
    data = from_base64(value)
    key = Key(name, data[0], data[1:])
    if key.kind not in {COSIGNED, LOG_TYPES["ml-dsa-44"]} or key.key_id().hex() != key_id:
        raise ValueError(f"witness {name}: of an unknown type, or its key id is another's")
    return key
