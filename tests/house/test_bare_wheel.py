"""The built wheel in a bare environment: the core decides without any third-party package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from typing import TYPE_CHECKING, NamedTuple

import pytest

from support.sources import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = ("pyproject.toml", "README.md", "governance", "codecs", "streams", "schemas")
PROPOSAL = {"proposal_summary": "Raise the limit", "novelty_score": 0.8}


class Bare(NamedTuple):
    """A virtual environment that holds nothing but the wheel."""

    folder: Path

    def run(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, away from the repository."""
        clean = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=self.folder,
            env={**clean, "AEGIS_CONFIG_PATH": ""},
        )


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy of the sources, so that nothing stale gets in."""
    source = folder / "source"
    source.mkdir()
    for name in NEEDED:
        original = REPOSITORY / name
        if original.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(original, source / name, ignore=ignored)
        else:
            shutil.copy(original, source / name)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """The environment, with the wheel installed without its dependencies."""
    folder = tmp_path_factory.mktemp("bare")
    wheel = build_wheel(folder)
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "--quiet", "install", "--no-deps",
         "--no-index", wheel],
        check=True,
        capture_output=True,
        timeout=300,
    )  # fmt: skip
    return Bare(environment)


def test_it_decides(bare: Bare) -> None:
    ran = bare.run("aegis", "evaluate", "--json", stdin=json.dumps(PROPOSAL))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["status"] == "proceed"
    ran = bare.run("aegis", "evaluate", stdin='{"risk": 1.0}')
    assert ran.returncode == 1
    assert ran.stdout.startswith("HALT")


@pytest.mark.parametrize("verb", ["version", "health", "metrics"])
def test_the_other_core_verbs_work(bare: Bare, verb: str) -> None:
    ran = bare.run("aegis", verb)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout


def test_a_json_configuration_needs_nothing_and_yaml_names_its_extra(
    bare: Bare, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"novelty_threshold": 0.9}')
    ran = bare.run("aegis", "validate-config", str(tmp_path / "config.json"))
    assert ran.returncode == 0
    ran = bare.run("aegis", "validate-config", str(REPOSITORY / "schemas/interface-contract.yaml"))
    assert ran.returncode == 69
    assert 'pip install "aegis-governance[config]"' in ran.stderr


@pytest.mark.parametrize("verb", ["up", "verify", "submit"])
def test_a_verb_of_the_streams_names_the_missing_extra(bare: Bare, verb: str) -> None:
    ran = bare.run("aegis", verb)
    assert ran.returncode == 69
    assert 'pip install "aegis-governance[streams]"' in ran.stderr
    assert "No module named" in ran.stderr


def test_help_marks_what_needs_the_extra(bare: Bare) -> None:
    ran = bare.run("aegis", "--help")
    assert ran.returncode == 0
    assert "(needs streams)" in ran.stdout


def test_no_third_party_module_is_imported(bare: Bare) -> None:
    """Isolated, and without site-packages but for the wheel's own files."""
    site = next(bare.folder.glob("lib/python*/site-packages"))
    program = (
        "import sys\n"
        f"sys.path.append({str(site)!r})\n"
        "from aegis_governance import AegisConfig, PCWContext, http_sink, pcw_decide\n"
        "import aegis_governance.cli\n"
        "assert pcw_decide(PCWContext('x', novelty_score=0.8)).status == 'proceed'\n"
        "known = {*sys.stdlib_module_names, 'aegis_governance', '__main__'}\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - known))\n"
    )
    ran = bare.run("python", "-I", "-S", "-c", program)
    assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", "[]\n")


def test_the_wheel_is_typed_and_holds_no_tests(bare: Bare) -> None:
    site = next(bare.folder.glob("lib/python*/site-packages"))
    assert (site / "aegis_governance" / "py.typed").exists()
    found = {entry.name for entry in site.iterdir() if entry.suffix != ".dist-info"}
    assert found == {"aegis_governance", "aegis_codecs", "aegis_streams"}
