from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aegis_codecs.errors import (
    Finding,
    NotTrustedError,
    TrustFileError,
    UnsupportedAlgorithmError,
)
from aegis_codecs.log.note import VerifierKey
from aegis_codecs.signers import algorithm_named
from aegis_codecs.trust import Cut, Epoch, TrustPolicy
from aegis_codecs.trust_file import MAX_TRUST_BYTES, load_trust, parse_trust, render_trust
from support.logs import epoch, log_keys, trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "[a-z0-9][a-z0-9.-]{0,20}"
CUT = (Cut(5, bytes(32)), Cut(0, bytes(32)))
KEYS = log_keys().public_keys()
CLASSICAL, POST_QUANTUM = KEYS


def witness(name: str = "witness.example/w", algorithm: str = "ed25519-cosignature") -> VerifierKey:
    found = algorithm_named(algorithm)
    return VerifierKey(name, found.note_type + found.signer(name.encode().ljust(32)).public_key)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render_trust(trust()))
    return found


@st.composite
def policies(draw: st.DrawFn) -> TrustPolicy:
    deployment = draw(st.from_regex(NAME, fullmatch=True))
    count = draw(st.integers(1, 3))
    epochs = []
    for number in range(1, count + 1):
        partitions = draw(st.integers(1, 3))
        witnesses = tuple(witness(f"w{i}") for i in range(draw(st.integers(0, 2))))
        cuts = st.builds(Cut, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
        ended = st.lists(cuts, min_size=partitions, max_size=partitions).map(tuple)
        epochs.append(
            Epoch(
                deployment,
                draw(st.from_regex(NAME, fullmatch=True)),
                number,
                partitions,
                KEYS,
                witnesses,
                draw(st.integers(0, len(witnesses))),
                draw(ended) if number < count else None,
            )
        )
    return TrustPolicy(epochs)


@given(policies())
def test_trust_files_round_trip(policy: TrustPolicy) -> None:
    assert parse_trust(render_trust(policy)).epochs == policy.epochs


def test_an_epoch_covers_the_logs_of_its_partitions_only() -> None:
    policy = trust(replace(epoch(), cut=CUT), epoch(number=2))
    assert policy.origins == (
        "aegis/local/1/0",
        "aegis/local/1/1",
        "aegis/local/2/0",
        "aegis/local/2/1",
    )
    log = policy.log("aegis/local/1/1")
    assert (log.cut, log.order, policy.log("aegis/local/2/0").order) == (CUT[1], 0, 1)
    assert log.keys == log_keys().checkpoint_signer("aegis/local/1/1").keys


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "aegis/local/1",
        "aegis/local/1/2",
        "aegis/local/1/00",
        "aegis/local/01/0",
        "aegis/local/2/0",
        "AEGIS/local/1/0",
        "aegis/local/1/0 ",
    ],
)
def test_no_other_log_is_known(origin: str) -> None:
    with pytest.raises(NotTrustedError) as raised:
        trust().log(origin)
    assert raised.value.finding is Finding.UNKNOWN_ORIGIN


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"deployment": "Aegis"}, "deployment must be"),
        ({"deployment": "a/b"}, "deployment must be"),
        ({"region": ""}, "region must be"),
        ({"region": "r" * 64}, "region must be"),
        ({"epoch": 0}, "epoch must be"),
        ({"partitions": 0}, "partitions 1 to"),
        ({"partitions": 1025}, "partitions 1 to"),
        ({"keys": ()}, "at least one classical and one post-quantum"),
        ({"keys": (CLASSICAL,)}, "at least one classical and one post-quantum"),
        ({"keys": (POST_QUANTUM,)}, "at least one classical and one post-quantum"),
        ({"keys": (*KEYS, CLASSICAL)}, "a key stands twice"),
        ({"keys": (("ed25519", bytes(31)), POST_QUANTUM)}, "not an ed25519 public key"),
        ({"keys": (("ed25519-cosignature", CLASSICAL[1]), *KEYS)}, "no signature of a log"),
        ({"quorum": 1}, "a quorum of 1 of 0 witnesses"),
        ({"witnesses": (witness(),), "quorum": 2}, "a quorum of 2 of 1 witnesses"),
        ({"witnesses": (witness(), witness())}, "one public key stands for two"),
        ({"witnesses": (VerifierKey("w", b"\x04" + CLASSICAL[1]),)}, "or for the log"),
        ({"witnesses": (VerifierKey("w", b"\x01" + bytes(32)),)}, "no signature of a witness"),
        ({"witnesses": (VerifierKey("w", b"\x06" + bytes(32)),)}, "not an ml-dsa-44 public key"),
        ({"cut": CUT[:1]}, "one entry per partition"),
    ],
)
def test_contradictory_epochs_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(TrustFileError, match=says):
        replace(epoch(), **changes)


def test_two_names_of_one_public_key_are_not_two_witnesses() -> None:
    one = witness()
    with pytest.raises(TrustFileError, match="two witnesses"):
        replace(epoch(), witnesses=(one, VerifierKey("other", one.key)), quorum=2)


def test_an_epoch_with_a_successor_must_be_cut() -> None:
    with pytest.raises(TrustFileError, match="is followed by epoch aegis/local/2 and must have"):
        trust(epoch(), epoch(number=2))


@pytest.mark.parametrize("second", [1, 2])
def test_epochs_of_a_region_stand_in_order_and_once(second: int) -> None:
    with pytest.raises(TrustFileError, match="later epoch of its region, or twice"):
        trust(replace(epoch(number=2), cut=CUT), epoch(number=second))


def test_an_unknown_algorithm_could_not_be_checked() -> None:
    changed = document()
    changed["epochs"][0]["keys"].append("falcon-512:AAAA")
    with pytest.raises(UnsupportedAlgorithmError, match="falcon-512"):
        parse_trust(json.dumps(changed).encode())


def spoil(member: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        found["epochs"][0][member] = value

    return change


def drop(member: str) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        del found["epochs"][0][member]

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda found: found.update(format="aegis-trust/v2"), "this version reads"),
        (lambda found: found.pop("format"), "'format' is missing"),
        (lambda found: found.update(more=1), "unknown member 'more'"),
        (lambda found: found.update(epochs={}), "epochs: must be a list"),
        (lambda found: found.update(epochs=[1]), r"epochs\[0\]: must be an object"),
        (drop("keys"), "'keys' is missing"),
        (spoil("quroum", 2), "unknown member 'quroum'"),
        (spoil("epoch", True), r"epochs\[0\].epoch: must be a whole number"),
        (spoil("epoch", 1.0), "must be a whole number"),
        (spoil("epoch", "1"), "must be a whole number"),
        (spoil("partitions", -1), "must be a whole number"),
        (spoil("quorum", None), "must be a whole number"),
        (spoil("region", 1), "region: must be a string"),
        (spoil("keys", "ed25519:AAAA"), "keys: must be a list"),
        (spoil("keys", ["ed25519:AAA"]), r"keys\[0\]: .* is not base64"),
        (spoil("witnesses", ["w+00000000+BAAA"]), "name or key was changed"),
        (spoil("cut", [{"size": 1, "root": "AAAA"}]), "root: must be 32 bytes"),
        (spoil("cut", [{"size": 1}]), "'root' is missing"),
        (spoil("cut", []), "one entry per partition"),
    ],
)
def test_malformed_trust_files_are_refused(
    change: Callable[[dict[str, Any]], None], says: str
) -> None:
    found = copy.deepcopy(document())
    change(found)
    with pytest.raises(TrustFileError, match=says):
        parse_trust(json.dumps(found).encode())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a trust file"),
        (b"\xff", "not a trust file"),
        (b"[" * 100_000, "not a trust file"),
        (b"[]", "must be an object"),
        (b'{"format": "aegis-trust/v1", "epochs": [], "epochs": []}', "stands twice"),
        (b'{"format": NaN, "epochs": []}', "NaN is not JSON"),
        (b" " * (MAX_TRUST_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_json_of_ours_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(TrustFileError, match=says):
        parse_trust(data)


def test_a_trust_file_is_read_from_disk_and_its_faults_name_it(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    with pytest.raises(TrustFileError, match=r"no trust file .*trust.json"):
        load_trust(path)
    path.write_bytes(render_trust(trust()))
    assert load_trust(path).epochs == trust().epochs
    path.write_bytes(b"{}")
    with pytest.raises(TrustFileError, match=r"trust.json: .* missing"):
        load_trust(path)
    with pytest.raises(TrustFileError, match="cannot be read"):
        load_trust(tmp_path)
