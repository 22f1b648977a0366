"""The bytes of the trust file, ``aegis-trust/v1``: JSON, read strictly.

Unknown and repeated members are refused: a misspelt requirement must not vanish.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NoReturn

from aegis_codecs.errors import TrustFileError
from aegis_codecs.log.canonical import MAX_NUMBER, decode_base64, encode_base64
from aegis_codecs.log.merkle import HASH_SIZE
from aegis_codecs.log.note import VerifierKey
from aegis_codecs.trust import Cut, Epoch, TrustPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import TypeVar

    T = TypeVar("T")

FORMAT: Final = "aegis-trust/v1"
MAX_TRUST_BYTES: Final = 4 * 1024 * 1024
"""Longest trust file that is read."""

_REQUIRED: Final = ("deployment", "region", "epoch", "partitions", "keys")
_OPTIONAL: Final = ("witnesses", "quorum", "cut")


def load_trust(path: Path) -> TrustPolicy:
    """Read a trust file.

    Raises:
        TrustFileError: Missing, unreadable, or not in its format.
        UnsupportedAlgorithmError: It asks for an algorithm unknown here.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TRUST_BYTES + 1)
    except FileNotFoundError as error:
        raise TrustFileError(
            f"there is no trust file {path}; get it from who runs the log, or name it by --trust"
        ) from error
    except OSError as error:
        raise TrustFileError(f"trust file {path} cannot be read: {error.strerror}") from error
    try:
        return parse_trust(data)
    except TrustFileError as error:
        raise TrustFileError(f"{path}: {error}") from error


def parse_trust(data: bytes) -> TrustPolicy:
    """Return the policy that a trust file's bytes spell.

    Raises:
        TrustFileError: Not in its format.
        UnsupportedAlgorithmError: It asks for an algorithm unknown here.
    """
    if len(data) > MAX_TRUST_BYTES:
        raise TrustFileError(f"a trust file has at most {MAX_TRUST_BYTES} bytes")
    try:
        found: object = json.loads(
            data.decode(), object_pairs_hook=_unrepeated, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise TrustFileError(f"not a trust file: {error}") from error
    top = _members(found, ("format", "epochs"), (), "the trust file")
    if top["format"] != FORMAT:
        raise TrustFileError(f"format is {top['format']!r}, this version reads {FORMAT!r}")
    return TrustPolicy(_items(top["epochs"], "epochs", _epoch))


def render_trust(policy: TrustPolicy) -> bytes:
    """Return the bytes of a policy's trust file, indented for people."""
    epochs = [_render_epoch(epoch) for epoch in policy.epochs]
    return json.dumps({"format": FORMAT, "epochs": epochs}, indent=2).encode() + b"\n"


def _render_epoch(epoch: Epoch) -> dict[str, object]:
    members: dict[str, object] = {
        "deployment": epoch.deployment,
        "region": epoch.region,
        "epoch": epoch.epoch,
        "partitions": epoch.partitions,
        "keys": [f"{name}:{encode_base64(public).decode()}" for name, public in epoch.keys],
        "witnesses": [str(witness) for witness in epoch.witnesses],
        "quorum": epoch.quorum,
    }
    if epoch.cut is not None:
        members["cut"] = [
            {"size": cut.size, "root": encode_base64(cut.root).decode()} for cut in epoch.cut
        ]
    return members


def _epoch(value: object, where: str) -> Epoch:
    members = _members(value, _REQUIRED, _OPTIONAL, where)
    cut = members.get("cut")
    return Epoch(
        deployment=_text(members["deployment"], f"{where}.deployment"),
        region=_text(members["region"], f"{where}.region"),
        epoch=_number(members["epoch"], f"{where}.epoch"),
        partitions=_number(members["partitions"], f"{where}.partitions"),
        keys=_items(members["keys"], f"{where}.keys", _key),
        witnesses=_items(members.get("witnesses", []), f"{where}.witnesses", _witness),
        quorum=_number(members.get("quorum", 0), f"{where}.quorum"),
        cut=None if cut is None else _items(cut, f"{where}.cut", _cut),
    )


def _key(value: object, where: str) -> tuple[str, bytes]:
    name, _, public = _text(value, where).partition(":")
    return name, _base64(public, where)


def _witness(value: object, where: str) -> VerifierKey:
    try:
        return VerifierKey.parse(_text(value, where))
    except ValueError as error:
        raise TrustFileError(f"{where}: {error}") from error


def _cut(value: object, where: str) -> Cut:
    members = _members(value, ("size", "root"), (), where)
    root = _base64(_text(members["root"], f"{where}.root"), f"{where}.root")
    if len(root) != HASH_SIZE:
        raise TrustFileError(f"{where}.root: must be {HASH_SIZE} bytes")
    return Cut(_number(members["size"], f"{where}.size"), root)


def _members(
    value: object, required: tuple[str, ...], optional: tuple[str, ...], where: str
) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TrustFileError(f"{where}: must be an object")
    for name in required:
        if name not in value:
            raise TrustFileError(f"{where}: {name!r} is missing")
    for name in value:
        if name not in required + optional:
            raise TrustFileError(f"{where}: unknown member {name[:40]!r}")
    return value


def _items(value: object, where: str, item: Callable[[object, str], T]) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise TrustFileError(f"{where}: must be a list")
    return tuple(item(each, f"{where}[{number}]") for number, each in enumerate(value))


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise TrustFileError(f"{where}: must be a string")
    return value


def _number(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
        raise TrustFileError(f"{where}: must be a whole number from 0 to 2^63 - 1")
    return value


def _base64(text: str, where: str) -> bytes:
    try:
        return decode_base64(text.encode())
    except ValueError as error:
        raise TrustFileError(f"{where}: {error}") from error


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
