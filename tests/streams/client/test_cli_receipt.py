"""`aegis receipt`: what is written was verified; nothing else is written."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.errors import CodecError, Finding, NotTrustedError, TrustFileError
from aegis_codecs.verifier import Verifier
from aegis_governance.errors import AegisError
from aegis_streams.cli import receipt
from aegis_streams.cli.finish import exit_code_of
from aegis_streams.client.errors import (
    BrokenLogError,
    DeliveryError,
    NotFoundError,
    NotSealedError,
    PositionLostError,
    ProposalError,
)
from aegis_streams.client.receipts import Rebuilt, ReceiptBuilder
from aegis_streams.errors import SettingsError, UnavailableError
from aegis_streams.sources import HistoryError
from aegis_streams.stack.errors import StackError
from support.decisions import body
from support.logs import SampleLog, trust

if TYPE_CHECKING:
    from pathlib import Path


class FakeBuilder:
    """Rebuilds one receipt, or fails."""

    def __init__(self, failure: AegisError | None = None) -> None:
        self.failure = failure

    def rebuild(self, decision_id: str) -> Rebuilt:
        assert decision_id == "d-1"
        if self.failure is not None:
            raise self.failure
        (made,) = SampleLog().append([body()])
        return Rebuilt(made, Verifier(trust()).verify_receipt(made))


def run(monkeypatch: pytest.MonkeyPatch, builder: FakeBuilder, *arguments: str) -> int:
    monkeypatch.setattr(ReceiptBuilder, "connect", lambda _: builder)
    parser = argparse.ArgumentParser()
    receipt.register(parser.add_subparsers())
    args = parser.parse_args(["receipt", "d-1", *arguments])
    return int(args.run(args))


def test_standard_output_is_the_receipt_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, FakeBuilder()) == 0
    leaf = Verifier(trust()).verify_receipt(capsys.readouterr().out.encode())
    assert leaf.body == body()


def test_a_file_is_written_whole_and_what_to_type_next_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.tlog-proof"
    assert run(monkeypatch, FakeBuilder(), "-o", str(path)) == 0
    assert Verifier(trust()).verify_receipt(path.read_bytes()).index == 0
    assert f"aegis verify {path}" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [path]


def test_machine_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, FakeBuilder(), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["origin"], told["index"], told["size"]) == ("aegis/local/1/0", 0, 1)
    assert told["receipt"].startswith("c2sp.org/tlog-proof@v1\n")
    assert told["output"] is None


def test_nothing_is_written_when_it_does_not_verify(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.tlog-proof"
    lie = NotTrustedError(Finding.ROOT_MISMATCH, "the path leads elsewhere")
    assert run(monkeypatch, FakeBuilder(lie), "-o", str(path)) == 1
    assert not path.exists()
    assert capsys.readouterr().err == "aegis receipt: the path leads elsewhere\n"
    assert run(monkeypatch, FakeBuilder(lie), "--json") == 1
    assert json.loads(capsys.readouterr().out)["exit_code"] == 1


def test_a_place_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, FakeBuilder(), "-o", str(tmp_path / "no" / "r")) == 65
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotTrustedError(Finding.ROOT_MISMATCH, ""), 1),
        (BrokenLogError(""), 1),
        (TrustFileError(""), 2),
        (HistoryError(""), 65),
        (NotFoundError(""), 66),
        (PositionLostError(""), 66),
        (UnavailableError(""), 69),
        (StackError(""), 69),
        (DeliveryError(["x"], 1), 69),
        (NotSealedError(""), 75),
        (SettingsError(""), 78),
        (ProposalError("x: y"), 70),
        (CodecError(""), 70),
        (AegisError(""), 70),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: AegisError, code: int) -> None:
    assert exit_code_of(error) == code
