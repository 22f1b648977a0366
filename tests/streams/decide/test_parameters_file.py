from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_governance.config import AegisConfig
from support.decider import RunningDecider
from support.schema_registry import fake_registry

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OTHER = "parameters:\n  quality_min_score: 0.8\n"


def warnings(
    caplog: pytest.LogCaptureFixture, path: Path | None, config: AegisConfig | None = None
) -> list[dict[str, object]]:
    """The warnings of a decider that takes a partition over twice."""
    caplog.clear()
    with fake_registry() as registry:
        running = RunningDecider(registry.url, config, parameters_file=path)
        running.acquire()
    return [vars(record) for record in caplog.records if record.levelname == "WARNING"]


def test_a_file_that_differs_is_told_once_with_both_hashes(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    path = tmp_path / "aegis.yaml"
    path.write_text(OTHER, encoding="utf-8")
    (warning,) = warnings(caplog, path)
    assert warning["active_sha256"] == AegisConfig.default().sha256().hex()
    assert warning["file_sha256"] == AegisConfig.from_yaml(path).sha256().hex()
    assert warning["file_sha256"] != warning["active_sha256"]
    assert warning["file"] == str(path)


def test_a_file_that_agrees_is_not_told(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "aegis.yaml"
    path.write_text(OTHER, encoding="utf-8")
    assert warnings(caplog, path, AegisConfig.from_yaml(path)) == []


def test_without_a_file_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings(caplog, None, AegisConfig.from_dict({"quality_min_score": 0.8})) == []


def test_a_file_that_cannot_be_read_does_not_stop_the_worker(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (warning,) = warnings(caplog, tmp_path / "absent.yaml")
    assert "cannot be read" in str(warning["message"])
    assert "absent.yaml" in str(warning["cause"])
