from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from aegis_codecs import settings
from aegis_codecs.errors import KeyFileError
from aegis_codecs.keys import LogKeys, generate_log_keys, load_log_keys
from aegis_codecs.keys.files import key_file, read_seeds, write_seeds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = bytes(range(32))
SEEDS = {"ed25519": SEED, "ml-dsa-44": SEED}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys"


def test_generated_keys_load_again(directory: Path) -> None:
    generated = generate_log_keys(directory)
    assert load_log_keys(directory).public_keys() == generated.public_keys()
    assert [name for name, _ in generated.public_keys()] == ["ed25519", "ml-dsa-44"]


def test_every_generation_makes_other_keys(tmp_path: Path) -> None:
    one, two = generate_log_keys(tmp_path / "1"), generate_log_keys(tmp_path / "2")
    assert not set(one.public_keys()) & set(two.public_keys())


def test_the_same_entropy_makes_the_same_keys(tmp_path: Path) -> None:
    entropy: Callable[[int], bytes] = bytes
    one, two = (generate_log_keys(tmp_path / name, entropy) for name in "12")
    assert one.public_keys() == two.public_keys()


def test_only_the_owner_can_read_keys(directory: Path) -> None:
    generate_log_keys(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()] == [0o600]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_file_open_to_others_is_refused(directory: Path, mode: int) -> None:
    generate_log_keys(directory)
    key_file(directory, "log").chmod(mode)
    with pytest.raises(KeyFileError, match="open to others"):
        load_log_keys(directory)


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_key_directory_open_to_others_is_refused(directory: Path, mode: int) -> None:
    generate_log_keys(directory)
    directory.chmod(mode)
    with pytest.raises(KeyFileError, match="open to others"):
        load_log_keys(directory)
    with pytest.raises(KeyFileError, match="open to others"):
        write_seeds(directory, "other", SEEDS)


def test_a_key_is_never_overwritten(directory: Path) -> None:
    before = generate_log_keys(directory)
    with pytest.raises(KeyFileError, match="exists already"):
        generate_log_keys(directory)
    assert load_log_keys(directory).public_keys() == before.public_keys()
    assert len(list(directory.iterdir())) == 1


def test_missing_keys_name_the_command_that_makes_them(directory: Path) -> None:
    with pytest.raises(KeyFileError, match="aegis keys generate"):
        load_log_keys(directory)


def test_a_place_that_cannot_hold_keys_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KeyFileError, match="cannot be written"):
        generate_log_keys(tmp_path / "file" / "keys")


def test_a_directory_in_place_of_the_file_is_refused(directory: Path) -> None:
    key_file(directory, "log").mkdir(parents=True)
    directory.chmod(0o700)
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_log_keys(directory)


def test_a_device_in_place_of_the_file_is_refused(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True)
    key_file(directory, "log").symlink_to("/dev/null")
    with pytest.raises(KeyFileError, match="not a regular file"):
        load_log_keys(directory)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"aegis-keys/v1 log\n", b"aegis-keys/v2 log\n"),
        (b"aegis-keys/v1 log\n", b"aegis-keys/v1 override\n"),
        (b"aegis-keys/v1 log\n", b""),
        (b"=\n", b"=\n\n"),
        (b"ed25519 ", b"ed25519  "),
        (b"ed25519 ", b"ed448 "),
        (b"ed25519 ", b"ml-dsa-44 "),
        (b"AAEC", b"AAE"),
        (b"AAEC", b"AAECAAEC"),
        (b"Hh8=\n", b"Hh8="),
        (b"Hh8=", b"Hh9="),
    ],
)
def test_malformed_key_files_are_refused_without_showing_a_seed(
    directory: Path, old: bytes, new: bytes
) -> None:
    path = write_seeds(directory, "log", SEEDS)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(KeyFileError) as raised:
        load_log_keys(directory)
    assert str(path) in str(raised.value)
    assert "AAECAwQF" not in str(raised.value)
    assert raised.value.__cause__ is None or "AAECAwQF" not in str(raised.value.__cause__)


def test_seeds_round_trip(directory: Path) -> None:
    write_seeds(directory, "any", {"b": b"", "a": SEED})
    assert read_seeds(directory, "any") == {"b": b"", "a": SEED}


def test_log_keys_need_every_algorithm() -> None:
    with pytest.raises(ValueError, match="need a seed for each of ed25519, ml-dsa-44"):
        LogKeys({"ed25519": SEED})


def test_the_environment_says_where_things_are(tmp_path: Path) -> None:
    assert str(settings.keys_dir({})) == ".aegis/keys"
    assert str(settings.trust_file({})) == ".aegis/trust.json"
    assert settings.keys_dir({"AEGIS_HOME": str(tmp_path)}) == tmp_path / "keys"
    assert settings.trust_file({"AEGIS_HOME": str(tmp_path)}) == tmp_path / "trust.json"
    assert settings.keys_dir({"AEGIS_KEYS_DIR": str(tmp_path)}) == tmp_path
    assert settings.trust_file({"AEGIS_TRUST_FILE": str(tmp_path)}) == tmp_path
