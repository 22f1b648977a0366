"""The second judge: `aegis fsck`, which shares no code with decider, sealer or the oracle."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any, Final

from aegis_streams.stack.components.aegis import aegis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chaos.oracle.findings import Findings

_SECONDS: Final = 900.0


def judge_again(
    environment: Mapping[str, str], findings: Findings, options: Sequence[str] = ()
) -> None:
    """Add what fsck finds wrong, and what it could not check, to `findings`.

    Args:
        environment: Variables by which it finds the deployment.
        findings: Where it goes.
        options: Further options of the command.
    """
    run = subprocess.run(
        aegis("fsck", "--json", *options),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    try:
        report: dict[str, Any] = json.loads(run.stdout)
    except ValueError:
        findings.add("fsck_no_report", "aegis fsck", f"exit code {run.returncode}: {run.stderr}")
        return
    findings.checked["fsck"] += 1
    for part in (report, *report["logs"]):
        where = str(part.get("log", "aegis fsck"))
        for found in part["findings"]:
            findings.add(f"fsck_{found['finding']}", where, f"{found['where']}: {found['detail']}")
        for what in part["could_not_check"]:
            findings.add("fsck_could_not_check", where, str(what))
    if run.returncode != 0 and not findings.counts:
        findings.add("fsck_exit_code", "aegis fsck", str(run.returncode))
