from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.cli import register
from aegis_codecs.cli.verify import run as verify
from aegis_codecs.keys import load_log_keys
from aegis_codecs.log.note import VerifierKey
from aegis_codecs.trust_file import load_trust, parse_trust, render_trust
from support.leaf_bodies import VALID_UNTIL, decision_body
from support.logs import ORIGIN, SampleLog, trust

if TYPE_CHECKING:
    from pathlib import Path

NOW = VALID_UNTIL / 1000 - 60


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True))
    return parser.parse_args(arguments)


def aegis(*arguments: str) -> int:
    args = parse(*arguments)
    code = verify(args, lambda: NOW) if args.run is verify else args.run(args)
    assert isinstance(code, int)
    return code


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a trust file."""
    monkeypatch.setenv("AEGIS_HOME", str(tmp_path))
    for name in ("AEGIS_TRUST_FILE", "AEGIS_KEYS_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "trust.json").write_bytes(render_trust(trust()))
    return tmp_path


def receipt_file(home: Path, body: bytes, name: str = "receipt.tlog-proof") -> str:
    log = SampleLog()
    log.append([b"before"])
    (receipt,) = log.append([body])
    (home / name).write_bytes(receipt)
    return str(home / name)


def test_a_receipt_is_verified_and_its_decision_shown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aegis("verify", receipt_file(home, decision_body())) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("verified: ")
    for word in ("DecisionMade", "proceed", "d-1", "p-1", "leaf 1 of 2", ORIGIN):
        assert word in shown


def test_json_has_everything_for_a_machine(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = receipt_file(home, decision_body())
    assert aegis("verify", "--json", path) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == path
    assert (found["result"], found["exit_code"]) == ("verified", 0)
    assert (found["origin"], found["index"], found["size"]) == (ORIGIN, 1, 2)
    assert (found["kind"], found["body"]["status"]) == ("DecisionMade", "proceed")
    assert found["body"]["cause_sha256"] == "00" * 32


def test_a_forged_receipt_is_not_trusted(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = receipt_file(home, decision_body())
    other = SampleLog("aegis/elsewhere/1/0").append([decision_body()])[0]
    (home / "receipt.tlog-proof").write_bytes(other)
    assert aegis("verify", path) == 1
    assert capsys.readouterr().out.startswith("NOT TRUSTED: ")
    assert aegis("verify", "--json", path) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["result"], found["finding"]) == ("not_trusted", "unknown_origin")


def test_a_missing_file_could_not_be_checked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aegis("verify", str(home / "nowhere")) == 2
    assert capsys.readouterr().out.startswith("could not check: ")


def test_without_a_trust_file_nothing_is_checked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = receipt_file(home, decision_body())
    assert aegis("verify", path, "--trust", str(home / "nowhere.json")) == 2
    shown = capsys.readouterr()
    assert "there is no trust file" in shown.err
    assert not shown.out


def test_without_a_trust_file_a_machine_is_told_about_each_file(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = receipt_file(home, decision_body())
    assert aegis("verify", "--json", path, "b", "--trust", str(home / "nowhere.json")) == 2
    shown = capsys.readouterr()
    found = [json.loads(line) for line in shown.out.splitlines()]
    assert [each["file"] for each in found] == [path, "b"]
    assert {(each["result"], each["exit_code"]) for each in found} == {("could_not_check", 2)}
    assert "there is no trust file" in found[0]["message"]
    assert shown.err == ""


def test_every_file_is_judged_and_the_worst_exit_code_returned(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, missing = receipt_file(home, decision_body()), str(home / "nowhere")
    (home / "bad").write_bytes(b"no receipt")
    assert aegis("verify", good, missing) == 2
    assert aegis("verify", good, missing, str(home / "bad"), good) == 1
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_require_proceed_accepts_a_valid_proceed(home: Path) -> None:
    assert aegis("verify", "--require", "proceed", receipt_file(home, decision_body())) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "halt"},
        {"dry_run": True},
        {"mode": "shadow"},
        {"valid_until": None},
        {"valid_until": int(NOW * 1000)},
    ],
)
def test_a_verified_leaf_is_not_a_permission(
    home: Path, changes: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    path = receipt_file(home, decision_body(**changes))
    assert aegis("verify", path) == 0
    assert aegis("verify", "--json", "--require", "proceed", path) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[1])["finding"] == "not_released"


def test_a_body_of_unknown_kind_is_genuine_but_permits_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = receipt_file(home, b"\xc3\x01 of a later version")
    assert aegis("verify", path) == 0
    assert "unknown" in capsys.readouterr().out
    assert aegis("verify", "--require", "proceed", path) == 2


def test_generated_keys_are_kept_and_their_public_part_printed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aegis("keys", "generate") == 0
    keys = load_log_keys(home / "keys")
    capsys.readouterr()
    assert aegis("keys", "public", ORIGIN, "aegis/local/1/1") == 0
    shown = [VerifierKey.parse(line) for line in capsys.readouterr().out.splitlines()]
    assert tuple(shown[:2]) == keys.checkpoint_signer(ORIGIN).keys
    assert tuple(shown[2:]) == keys.checkpoint_signer("aegis/local/1/1").keys


def test_keys_are_not_generated_twice(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = str(home / "other")
    assert aegis("keys", "generate", "--dir", other) == 0
    assert aegis("keys", "generate", "--dir", other) == 65
    assert "exists already" in capsys.readouterr().err


def test_a_printed_trust_file_believes_the_keys(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aegis("keys", "generate") == 0
    capsys.readouterr()
    assert aegis("keys", "public", "--trust", "aegis/local/1", "--partitions", "3") == 0
    policy = parse_trust(capsys.readouterr().out.encode())
    assert policy.origins == tuple(f"aegis/local/1/{partition}" for partition in range(3))
    assert policy.log(ORIGIN).keys == load_log_keys(home / "keys").checkpoint_signer(ORIGIN).keys


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["a b"], 64, "cannot be an origin"),
        (["--trust", "aegis/local/1/0"], 64, "is not DEPLOYMENT/REGION/EPOCH"),
        (["--trust", "aegis/local/1", "--partitions", "0"], 64, "partitions 1 to"),
        (["--trust", "aegis/local/1", "aegis/local/2"], 64, "must have a cut"),
    ],
)
def test_names_that_are_no_logs_are_refused(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    says: str,
) -> None:
    assert aegis("keys", "generate", "--dir", str(home / "keys")) == 0
    assert aegis("keys", "public", *arguments) == code
    assert says in capsys.readouterr().err


def test_public_keys_need_private_ones(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_trust(home / "trust.json").origins
    assert aegis("keys", "public", ORIGIN) == 65
    assert "aegis keys generate" in capsys.readouterr().err


def test_keys_are_shown_to_a_machine_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aegis("keys", "generate", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made == {"directory": str(home / "keys"), "algorithms": ["ed25519", "ml-dsa-44"]}
    assert aegis("keys", "public", "--json", ORIGIN, "aegis/local/1/1") == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [ORIGIN, "aegis/local/1/1"]
    assert [VerifierKey.parse(key).name for key in found[ORIGIN]] == [ORIGIN] * 2
    assert aegis("keys", "public", "--json", "--trust", "aegis/local/1") == 0
    assert json.loads(capsys.readouterr().out)["format"] == "aegis-trust/v1"


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (("generate",), 65, "KeyFileError"),
        (("public", "no name"), 64, "ValueError"),
        (("public", "--trust", "aegis"), 64, "ValueError"),
        (("public", "x", "--dir", "/nowhere"), 65, "KeyFileError"),
    ],
)
def test_errors_about_keys_are_json_for_a_machine(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, kind: str
) -> None:
    assert aegis("keys", "generate", "--dir", str(home / "keys")) == 0
    capsys.readouterr()
    assert aegis("keys", *arguments, "--json") == code
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert (told["error"]["kind"], told["exit_code"], shown.err) == (kind, code, "")
