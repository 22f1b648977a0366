"""Keys and trust file of a local deployment are made once and must fit each other."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aegis_codecs.keys import load_log_keys
from aegis_codecs.trust_file import load_trust
from aegis_streams.settings import Settings
from aegis_streams.stack.errors import StackError
from aegis_streams.stack.keys import ensure_keys

if TYPE_CHECKING:
    from pathlib import Path


def settings(home: Path) -> Settings:
    return Settings.load({"AEGIS_HOME": str(home), "AEGIS_PARTITIONS": "3"})


def test_keys_are_made_once_and_believed(tmp_path: Path) -> None:
    assert ensure_keys(settings(tmp_path))
    made = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert not ensure_keys(settings(tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == made
    policy = load_trust(tmp_path / "trust.json")
    assert policy.origins == ("aegis/local/1/0", "aegis/local/1/1", "aegis/local/1/2")
    signer = load_log_keys(tmp_path / "keys").checkpoint_signer("aegis/local/1/2")
    assert set(policy.log("aegis/local/1/2").keys) == set(signer.keys)


def test_a_lost_trust_file_is_written_again(tmp_path: Path) -> None:
    ensure_keys(settings(tmp_path))
    before = (tmp_path / "trust.json").read_bytes()
    (tmp_path / "trust.json").unlink()
    assert ensure_keys(settings(tmp_path))
    assert (tmp_path / "trust.json").read_bytes() == before


def test_lost_keys_are_not_replaced_in_silence(tmp_path: Path) -> None:
    ensure_keys(settings(tmp_path))
    shutil.rmtree(tmp_path / "keys")
    with pytest.raises(StackError, match="are gone"):
        ensure_keys(settings(tmp_path))
    assert not (tmp_path / "keys").exists()


def test_keys_that_nobody_believes_are_refused(tmp_path: Path) -> None:
    ensure_keys(settings(tmp_path / "a"))
    ensure_keys(settings(tmp_path / "b"))
    shutil.copy(tmp_path / "a" / "trust.json", tmp_path / "b" / "trust.json")
    with pytest.raises(StackError, match="does not believe the keys"):
        ensure_keys(settings(tmp_path / "b"))
