"""The wheel carries the schemas, as files, not as a link to where they were."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aegis_codecs.records import bodies

ROOT = Path(__file__).parents[3]
SOURCES = ("pyproject.toml", "README.md", "governance", "codecs", "streams", "schemas")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, copy / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, copy / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", built, copy],
        check=True,
        capture_output=True,
    )
    return next(built.glob("*.whl"))


def test_wheel_holds_every_schema(wheel: Path) -> None:
    folder = ROOT / "schemas" / "avro"
    expected = {
        f"aegis_codecs/data/avro/{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {
            name: archive.read(name)
            for name in archive.namelist()
            if name.startswith("aegis_codecs/data/avro/")
        }
    assert found == expected
    assert len(found) > 14


def test_schemas_load_from_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        "from aegis_codecs.records import bodies, schemas\n"
        "print(schemas.__file__)\n"
        "print(len([schemas.source(name) for name in schemas.RECORDS]))\n"
        "print(bodies.prefix('EpochOpened').hex())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path)},
    )
    file, count, prefix = run.stdout.splitlines()
    assert file.startswith(str(tmp_path))
    assert (count, prefix) == ("14", bodies.prefix("EpochOpened").hex())
