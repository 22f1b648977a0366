"""``aegis evaluate``: decide about one proposal, here and now."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aegis_governance import proposal
from aegis_governance.cli import exits
from aegis_governance.cli.output import decision_lines, print_json
from aegis_governance.cli.settings import add_config_option, load
from aegis_governance.errors import InputError, InsecureURLError, UnreadableError
from aegis_governance.pcw import pcw_decide, pcw_refuse
from aegis_governance.telemetry import HTTPEventSink, TelemetryEmitter
from aegis_governance.telemetry.urls import checked_url, require_public_host

if TYPE_CHECKING:
    from argparse import Namespace

    from aegis_governance.cli.verbs import Subparsers
    from aegis_governance.decision.record import Decision
    from aegis_governance.evaluators import Evaluator

_LOG: Final = logging.getLogger(__name__)

MAXIMUM_INPUT: Final = 1024 * 1024
"""The largest proposal that is read, in bytes."""
_TELEMETRY_TIMEOUT: Final = 5.0

_DESCRIPTION: Final = """\
Decide about one proposal: a JSON object with the fields of PCWContext, read from a file or from
standard input. Exit code: 0 proceed, 1 halt (also for an invalid proposal), 2 pause or escalate.
A dry run never exits with 0, because it releases nothing."""


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "evaluate", help="decide about one proposal", description=_DESCRIPTION
    )
    parser.add_argument(
        "-i", "--input", metavar="FILE", default="-", help="the proposal (default: standard input)"
    )
    add_config_option(parser)
    parser.add_argument("--shadow", action="store_true", help="dry run: advisory, never releasing")
    parser.add_argument("--telemetry-url", metavar="URL", help="post events there (https only)")
    parser.add_argument(
        "--drift-baseline",
        metavar="FILE",
        help="JSON list of 30 or more numbers, as drift_baseline_data (advisory)",
    )
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Decide and print; return the decision's exit code."""
    loaded = load(args.config)
    evaluator = loaded.config.create_gate_evaluator()
    text = _read(args.input)
    baseline = _read_baseline(args.drift_baseline)
    emitter = _emitter(args.telemetry_url or loaded.telemetry_url)
    decision, defaulted, ignored = _decide(text, baseline, evaluator, emitter, shadow=args.shadow)
    if args.json:
        said = {"defaulted": list(defaulted), "ignored": list(ignored)}
        print_json({**decision.to_dict(), **said})
    else:
        print("\n".join(decision_lines(decision, defaulted)))
    return exits.of_decision(decision)


def _decide(
    text: str,
    baseline: object,
    evaluator: Evaluator,
    emitter: TelemetryEmitter | None,
    *,
    shadow: bool,
) -> tuple[Decision, tuple[str, ...], tuple[str, ...]]:
    try:
        values = dict(proposal.parse(text))
        if baseline is not None:
            values["drift_baseline_data"] = baseline
        context, defaulted, ignored = proposal.read(values)
    except InputError as error:
        return pcw_refuse(error, evaluator), (), ()
    if shadow:
        context = replace(context, shadow_mode=True)
    return pcw_decide(context, evaluator, emitter), defaulted, ignored


def _read(path: str) -> str:
    try:
        if path == "-":
            if sys.stdin.isatty():
                print("Type a proposal as JSON, then Ctrl-D.", file=sys.stderr)
            data = sys.stdin.buffer.read(MAXIMUM_INPUT + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAXIMUM_INPUT + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"the proposal {path} cannot be read: {error}") from error
    if len(data) > MAXIMUM_INPUT:
        raise UnreadableError(f"the proposal {path} is larger than {MAXIMUM_INPUT} bytes")
    return text


def _read_baseline(path: str | None) -> object:
    if path is None:
        return None
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableError(f"the drift baseline {path} cannot be read: {error}") from error


def _emitter(url: str | None) -> TelemetryEmitter | None:
    """An emitter to ``url``; None, with a warning, where telemetry may not be sent there."""
    if url is None:
        return None
    try:
        require_public_host(checked_url(url))
        sink = HTTPEventSink(url, timeout=_TELEMETRY_TIMEOUT)
    except InsecureURLError as error:
        _LOG.warning("telemetry is off: %s", error)
        return None
    emitter = TelemetryEmitter("aegis-cli")
    emitter.add_sink(sink)
    return emitter
