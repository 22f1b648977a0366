"""``aegis health``: can this installation decide, and does it decide as it should?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aegis_governance.cli import exits
from aegis_governance.cli.output import print_json, table
from aegis_governance.cli.settings import add_config_option, load
from aegis_governance.config import AegisConfig
from aegis_governance.context import PCWContext
from aegis_governance.errors import AegisError
from aegis_governance.posterior import BayesianPosterior
from aegis_governance.version import __version__
from aegis_governance.vocabulary import PCWStatus

if TYPE_CHECKING:
    from argparse import Namespace

    from aegis_governance.cli.verbs import Subparsers

_OK: Final = "ok"
_TOLERANCE: Final = 5e-7
# Observed change and P(change >= 2) under the default sigmas, to six digits.
_PROBABILITIES: Final = ((1.0, 0.003645), (2.5, 0.5), (3.0, 0.814453), (4.0, 0.996355))
_SOUND: Final = PCWContext("a sound proposal", novelty_score=0.9)
_RISKY: Final = PCWContext("a risky proposal", novelty_score=0.9, risk_proposed=1.0)


def register(subparsers: Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "health",
        help="check configuration, arithmetic and gates",
        description="Check configuration, arithmetic and gates. Exit code: 0 healthy, 1 not.",
    )
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Run every check and print what each found; return 0 when all are ok."""
    checks = {"config": _config(args.config), "arithmetic": _arithmetic(), "gates": _gates()}
    healthy = all(found == _OK for found in checks.values())
    status = "healthy" if healthy else "degraded"
    if args.json:
        report = {"status": status, "healthy": healthy, "version": __version__, "checks": checks}
        print_json(report)
    else:
        print("\n".join([f"{status}  aegis {__version__}", *table(list(checks.items()))]))
    return exits.OK if healthy else exits.FAILED


def _config(path: str | None) -> str:
    try:
        load(path)
    except AegisError as error:
        return str(error)
    return _OK


def _arithmetic() -> str:
    probability = BayesianPosterior().exceedance(2.0)
    for observed, expected in _PROBABILITIES:
        got = probability(observed)
        if not abs(got - expected) <= _TOLERANCE:
            return f"P(change >= 2) after {observed} is {got!r}, not {expected}"
    return _OK


def _gates() -> str:
    evaluator = AegisConfig.default().create_gate_evaluator()
    for context, expected in ((_SOUND, PCWStatus.PROCEED), (_RISKY, PCWStatus.HALT)):
        verdict = evaluator.evaluate(context.gate_inputs(), context.agent_id, None)
        if verdict.status is not expected:
            return f"{context.proposal_summary} gives {verdict.status.value}: {verdict.reason}"
    return _OK
