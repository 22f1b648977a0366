"""The core's command line: output, exit codes, and what it says when something is wrong."""

from __future__ import annotations

import importlib.metadata
import io
import json
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aegis_governance import AegisConfig, __version__
from aegis_governance.cli import evaluate, main, verbs
from aegis_governance.evaluators import v1
from aegis_governance.gates import NOT_EVALUATED

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRACT = Path(__file__).parents[2] / "schemas" / "interface-contract.yaml"
SOUND = {"proposal_summary": "Raise the limit", "novelty": 0.8, "risk_base": 0.2, "risk": 0.25}

Run = Any


class Ran:
    """What a run of the command line gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def aegis(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Run the command line with a proposal, or bytes, on standard input."""
    monkeypatch.delenv("AEGIS_CONFIG_PATH", raising=False)

    def run(*arguments: str, stdin: object = b"") -> Ran:
        data = stdin if isinstance(stdin, bytes) else json.dumps(stdin).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        code = main(arguments)
        return Ran(code, *capsys.readouterr())

    return run


class TestEvaluate:
    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({}, "proceed", 0),
            ({"novelty": 0.1}, "halt", 1),
            ({"requires_human_approval": True}, "pause", 2),
            ({"estimated_impact": "high", "novelty": 0.1}, "escalate", 2),
        ],
    )
    def test_status_and_exit_code(
        self, aegis: Run, changes: dict[str, object], status: str, code: int
    ) -> None:
        ran = aegis("evaluate", "--json", stdin={**SOUND, **changes})
        assert (ran.code, ran.json["status"]) == (code, status)

    def test_text_names_status_gates_and_defaults(self, aegis: Run) -> None:
        ran = aegis("evaluate", stdin=SOUND)
        lines = ran.out.splitlines()
        assert lines[0] == "PROCEED  All 5 evaluated gates passed"
        assert any(line.split()[:2] == ["novelty", "passed"] for line in lines)
        assert "defaulted" in ran.out
        assert "quality_subscores" in ran.out
        assert max(map(len, lines)) <= 100

    def test_machine_output_says_what_was_defaulted_and_ignored(self, aegis: Run) -> None:
        said = aegis("evaluate", "--json", stdin={**SOUND, "risk_score": 0.1}).json
        assert "novelty_score" not in said["defaulted"]
        assert {"profit_baseline", "session_id"} <= set(said["defaulted"])
        assert said["ignored"] == ["risk_score"]

    def test_the_guides_example_halts_for_want_of_novelty(self, aegis: Run) -> None:
        ran = aegis("evaluate", "--json", stdin=b'{"risk_proposed": 0.3, "profit_proposed": 0.1}')
        assert ran.code == 1
        assert ran.json["failing_gates"] == ["risk", "novelty"]

    @pytest.mark.parametrize(
        ("stdin", "named", "fix"),
        [
            (b'{"risk_propsed": 0.1}', "'risk_propsed'", "'risk_proposed'"),
            (b'{"risk": NaN}', "risk_proposed is nan", "a finite number from 0 to 1"),
            (b'{"risk": "0.1"}', "risk_proposed is '0.1'", "a finite number from 0 to 1"),
            (b'{"phase": "x"}', "phase is 'x'", "plan, execute, verify"),
            (b'{"risk": 0.1, "risk": 0.2}', "'risk'", "once"),
            (b"[1, 2]", "proposal is [1, 2]", "a JSON object"),
            (b'{"drift_baseline_data": [1]}', "drift_baseline_data is [1]", "30"),
        ],
    )
    def test_an_invalid_proposal_halts_and_names_field_and_fix(
        self, aegis: Run, stdin: bytes, named: str, fix: str
    ) -> None:
        ran = aegis("evaluate", stdin=stdin)
        assert ran.code == 1
        assert ran.out.startswith("HALT  A field of the proposal")
        assert named in ran.out
        assert fix in ran.out
        said = aegis("evaluate", "--json", stdin=stdin).json
        assert (said["status"], said["reason"]) == ("halt", "field_invalid")

    @pytest.mark.parametrize(
        "stdin", [b"", b"nonsense", b"\xff\xfe", b"[" * 100_000, b" " * (1024 * 1024 + 1)]
    )
    def test_unreadable_input(self, aegis: Run, stdin: bytes) -> None:
        ran = aegis("evaluate", stdin=stdin)
        assert (ran.code, ran.out) == (65, "")
        assert ran.err.startswith("aegis: the proposal ")
        ran = aegis("evaluate", "--json", stdin=stdin)
        assert ran.code == ran.json["exit_code"] == 65
        assert ran.json["error"]["kind"] == "UnreadableError"

    def test_files(self, aegis: Run, tmp_path: Path) -> None:
        file = tmp_path / "proposal.json"
        file.write_text(json.dumps(SOUND))
        assert aegis("evaluate", "-i", str(file)).code == 0
        assert aegis("evaluate", "--input", str(tmp_path / "absent.json")).code == 65
        assert aegis("evaluate", "--input", str(tmp_path)).code == 65

    def test_a_dry_run_releases_nothing(self, aegis: Run) -> None:
        ran = aegis("evaluate", "--shadow", "--json", stdin=SOUND)
        assert (ran.code, ran.json["status"], ran.json["shadow_mode"]) == (2, "proceed", True)
        ran = aegis("evaluate", stdin={**SOUND, "shadow_mode": True})
        assert ran.code == 2
        assert ran.out.startswith("PROCEED (dry run, releases nothing)")
        assert aegis("evaluate", "--shadow", stdin={**SOUND, "novelty": 0.1}).code == 1

    def test_drift_baseline_is_advisory(self, aegis: Run, tmp_path: Path) -> None:
        file = tmp_path / "baseline.json"
        file.write_text(json.dumps([0.5] * 30))
        ran = aegis("evaluate", "--drift-baseline", str(file), "--json", stdin=SOUND)
        assert (ran.code, ran.json["constraint_codes"]) == (0, ["advisory_baseline"])
        file.write_text("[0.5]")
        assert aegis("evaluate", "--drift-baseline", str(file), stdin=SOUND).code == 1
        file.write_text("0.5,")
        assert aegis("evaluate", "--drift-baseline", str(file), stdin=SOUND).code == 65

    def test_configuration(
        self, aegis: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        strict = tmp_path / "strict.yaml"
        strict.write_text("parameters: {novelty_gate: {output_threshold: 0.8}}")
        as_json = tmp_path / "strict.json"
        as_json.write_text('{"novelty_threshold": 0.8}')
        for file in (strict, as_json):
            assert aegis("evaluate", "--config", str(file), stdin=SOUND).code == 1
        monkeypatch.setenv("AEGIS_CONFIG_PATH", str(strict))
        assert aegis("evaluate", stdin=SOUND).code == 1
        assert aegis("evaluate", "--config", str(CONTRACT), stdin=SOUND).code == 0
        strict.write_text("novelty_treshold: 0.8")
        ran = aegis("evaluate", stdin=SOUND)
        assert ran.code == 78
        assert "'novelty_threshold'" in ran.err
        as_json.write_text('{"epsilon_R": 0.1, "epsilon_R": 0.2}')
        assert aegis("evaluate", "-c", str(as_json), stdin=SOUND).code == 78
        as_json.write_text("{")
        assert aegis("evaluate", "-c", str(as_json), stdin=SOUND).code == 65

    @pytest.mark.parametrize("url", ["http://example.org/", "https://127.0.0.1/", "nonsense"])
    def test_telemetry_that_may_not_be_sent_is_off(
        self, aegis: Run, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert aegis("evaluate", "--telemetry-url", url, stdin=SOUND).code == 0
        assert "telemetry is off" in caplog.text
        caplog.clear()
        (tmp_path / "aegis.json").write_text(json.dumps({"telemetry_url": url}))
        assert aegis("evaluate", "-c", str(tmp_path / "aegis.json"), stdin=SOUND).code == 0
        assert "telemetry is off" in caplog.text

    def test_telemetry_is_sent(self, aegis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        posted: list[str] = []

        class Recording:
            def __init__(self, url: str, **_: object) -> None:
                posted.append(url)

            def emit(self, event: Any) -> None:
                posted.append(event.name)

        monkeypatch.setattr(evaluate, "HTTPEventSink", Recording)
        monkeypatch.setattr(evaluate, "require_public_host", lambda _: None)
        assert aegis("evaluate", "--telemetry-url", "https://e.org/", stdin=SOUND).code == 0
        assert posted[:2] == ["https://e.org/", "proposal.received"]
        assert posted[-1] == "decision.made"


class TestSmallVerbs:
    def test_version(self, aegis: Run) -> None:
        assert __version__ in aegis("version").out
        assert aegis("version", "--json").json["version"] == __version__
        assert aegis("--version").out == f"aegis {__version__}\n"

    def test_health(self, aegis: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ran = aegis("health", "--json")
        assert (ran.code, ran.json["status"]) == (0, "healthy")
        assert set(ran.json["checks"].values()) == {"ok"}
        ran = aegis("health", "--config", str(tmp_path / "absent.yaml"))
        assert ran.code == 1
        assert ran.out.startswith("degraded")
        monkeypatch.setattr(v1, "risk_gate", lambda _: lambda *_: NOT_EVALUATED)
        ran = aegis("health", "--json")
        assert ran.code == 1
        assert "gives proceed" in ran.json["checks"]["gates"]

    def test_health_notices_wrong_arithmetic(
        self, aegis: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("aegis_governance.posterior.erfc", lambda _: float("nan"))
        ran = aegis("health", "--json")
        assert ran.code == 1
        assert "P(change >= 2)" in ran.json["checks"]["arithmetic"]

    def test_metrics(self, aegis: Run) -> None:
        families = {family.name for family in text_string_to_metric_families(aegis("metrics").out)}
        assert "aegis_decisions" in families
        names = {sample["name"] for sample in aegis("metrics", "--json").json}
        assert "aegis_gates_evaluated_total" in names

    def test_validate_config(self, aegis: Run, tmp_path: Path) -> None:
        ran = aegis("validate-config", str(CONTRACT), "--json")
        assert ran.code == 0
        assert ran.json == {
            "valid": True,
            "sha256": AegisConfig.default().sha256().hex(),
            "changed": {},
        }
        file = tmp_path / "config.json"
        file.write_text('{"novelty_k": 5}')
        ran = aegis("validate-config", str(file))
        assert ran.code == 0
        assert ran.out.splitlines()[1].split() == ["novelty_k", "5.0", "default", "10.0"]
        file.write_text('{"novelty_k": 0}')
        ran = aegis("validate-config", str(file), "--json")
        assert ran.code == 1
        assert ran.json["fault"]["field"] == "novelty_k"
        ran = aegis("validate-config", str(file))
        assert ran.code == 1
        assert "above 0" in ran.out
        assert aegis("validate-config", str(tmp_path / "absent.json")).code == 65


class TestUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("evalute",),
            ("evaluate", "--nope"),
            ("evaluate", "--js"),
            ("evaluate", "surplus"),
            ("validate-config",),
            ("--nope", "version"),
        ],
    )
    def test_usage_errors_exit_with_64(self, aegis: Run, arguments: tuple[str, ...]) -> None:
        ran = aegis(*arguments)
        assert (ran.code, ran.out) == (64, "")
        assert "usage: aegis" in ran.err

    @pytest.mark.parametrize("arguments", [("evalute",), ("validate-config",), ("version", "x")])
    def test_usage_errors_are_json_for_a_machine(
        self, aegis: Run, arguments: tuple[str, ...]
    ) -> None:
        ran = aegis(*arguments, "--json")
        assert (ran.code, ran.json["exit_code"]) == (64, 64)
        assert ran.json["error"]["kind"] == "UsageError"
        assert ran.json["error"]["message"].startswith("aegis")

    def test_a_misspelt_verb_is_answered_with_the_nearest(self, aegis: Run) -> None:
        assert "did you mean 'evaluate'?" in aegis("evalute").err
        assert "did you mean 'submit'?" in aegis("sumbit").err
        assert "aegis --help" in aegis("zzzzzz").err

    def test_an_internal_error_is_not_a_halt(
        self, aegis: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("broken")

        monkeypatch.setattr(evaluate, "pcw_decide", fail)
        assert aegis("evaluate", stdin=SOUND).code == 70
        ran = aegis("evaluate", "--json", stdin=SOUND)
        told = {"kind": "RuntimeError", "message": "broken"}
        assert ran.json == {"error": told, "exit_code": ran.code}

    def test_an_odd_log_level_is_said_and_survived(
        self, aegis: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("AEGIS_LOG_LEVEL", "LOUD")
        assert aegis("version").code == 0
        assert "'LOUD'" in caplog.text


class Extra:
    """An entry point of our own making."""

    def __init__(self, register: Callable[[Any], None] | ImportError) -> None:
        self._register = register

    def load(self) -> Callable[[Any], None]:
        if isinstance(self._register, ImportError):
            raise self._register
        return self._register


def register_up(subparsers: Any) -> None:
    parser = subparsers.add_parser("up")
    parser.add_argument("--fast", action="store_true")
    parser.set_defaults(run=lambda args: 7 if args.fast else 3)


def register_keys(subparsers: Any) -> None:
    parser = subparsers.add_parser("keys")
    parser.add_subparsers(dest="keys_verb").add_parser("public").set_defaults(run=lambda _: 5)


class TestExtras:
    def use(self, monkeypatch: pytest.MonkeyPatch, *extras: Extra) -> None:
        monkeypatch.setattr(verbs, "_entry_points", lambda: extras)

    def test_their_verbs_run(self, aegis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.use(monkeypatch, Extra(register_keys), Extra(register_up))
        assert aegis("up").code == 3
        assert aegis("up", "--fast").code == 7
        assert aegis("keys", "public").code == 5

    def test_their_usage_errors_exit_with_64_too(
        self, aegis: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.use(monkeypatch, Extra(register_keys), Extra(register_up))
        assert aegis("up", "--nope").code == 64
        assert aegis("keys").code == 64
        assert aegis("keys", "nope").code == 64

    def test_one_missing_package_does_not_take_the_others_verbs(
        self, aegis: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.use(monkeypatch, Extra(ImportError("no cryptography")), Extra(register_up))
        assert aegis("up").code == 3

    def test_a_missing_extra_is_named(self, aegis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        for extras in ((), (Extra(ImportError("No module named 'faust'")),)):
            self.use(monkeypatch, *extras)
            ran = aegis("up")
            assert ran.code == 69
            assert 'pip install "aegis-governance[streams]"' in ran.err
        assert "No module named 'faust'" in ran.err
        assert aegis("up", "--json").json["error"]["kind"] == "MissingExtraError"

    def test_core_verbs_load_no_extra(self, aegis: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> tuple[Extra, ...]:
            raise AssertionError

        monkeypatch.setattr(verbs, "_entry_points", fail)
        assert aegis("version").code == 0
        assert aegis("--help").code == 0

    @pytest.mark.parametrize("available", [True, False])
    def test_help_lists_every_verb(
        self, aegis: Run, monkeypatch: pytest.MonkeyPatch, available: bool
    ) -> None:
        monkeypatch.setattr(verbs, "_installed", lambda _: available)
        out = aegis("--help").out
        assert all(f"  {verb} " in out or f"  {verb}\n" in out for verb in verbs.CORE)
        assert all(f"    {verb} " in out for verb in verbs.STREAMS)
        assert out.count("(needs streams)") == (0 if available else len(verbs.STREAMS))

    def test_entry_points_of_old_and_new_pythons(self, monkeypatch: pytest.MonkeyPatch) -> None:
        points = [EntryPoint(name, f"{name}:register", verbs.GROUP) for name in "bab"]
        for found in (importlib.metadata.EntryPoints(points), {verbs.GROUP: points}):
            monkeypatch.setattr(verbs, "entry_points", lambda found=found: found)
            assert [point.name for point in verbs._entry_points()] == ["a", "b"]


def test_a_package_loaded_before_counts_as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = ModuleType("faust")  # Faust replaces itself by a module without a specification
    loaded.__spec__ = None
    monkeypatch.setitem(sys.modules, "faust", loaded)
    assert verbs.streams_available()
