"""The command ``aegis``: one parser, a verb, and the meaning of what goes wrong."""

from __future__ import annotations

import logging
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, Any, Final, NoReturn

from aegis_governance.cli import exits
from aegis_governance.cli.output import failure, print_json, table
from aegis_governance.cli.verbs import CORE, STREAMS, load_extras, streams_available
from aegis_governance.config.suggest import nearest
from aegis_governance.errors import AegisError
from aegis_governance.version import __version__

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

_LOG: Final = logging.getLogger(__name__)

LOG_LEVEL: Final = "AEGIS_LOG_LEVEL"
"""Environment variable for the level of log messages on standard error."""


class UsageError(Exception):
    """The arguments are not those of a verb."""


class Parser(ArgumentParser):
    """An argument parser whose usage errors exit with 64; 2 means pause or escalate here."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as ArgumentParser
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)

    def error(self, message: str) -> NoReturn:
        """Print the usage and end with what is wrong with it."""
        self.print_usage(sys.stderr)
        raise UsageError(f"{self.prog}: {message}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; by default those of the process.

    Returns:
        The exit code: what the verb says, 64 usage, 65 unreadable input, 69 a missing extra, 70 an
        internal error, 74 when the output could not be written, 78 a faulty configuration.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _set_up_logging()
    try:
        args = _parse(arguments)
        code = int(args.run(args))
        sys.stdout.flush()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else exits.OK
    except (AegisError, UsageError) as error:
        return _report(error, arguments)
    except BrokenPipeError:
        # Whoever read the output has gone; keep the interpreter from complaining about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OUTPUT_LOST
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - exit code 1 would mean HALT
        _LOG.exception("internal error")
        return _report(error, arguments)
    return code


def _set_up_logging() -> None:
    level = os.environ.get(LOG_LEVEL, "INFO").upper()
    known = level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    logging.basicConfig(
        level=level if known else "INFO", format="%(levelname)s %(name)s: %(message)s"
    )
    if not known:
        _LOG.warning("%s is %r, not a log level; INFO is used", LOG_LEVEL, level)


def _parse(arguments: Sequence[str]) -> Namespace:
    parser: ArgumentParser = Parser(
        prog="aegis",
        description="Governance decisions: six gates, exactly once, signed, verifiable offline.",
        epilog=_epilog(),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"aegis {__version__}")
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", title="core verbs")
    for register in CORE.values():
        register(subparsers)
    verb = next((argument for argument in arguments if not argument.startswith("-")), None)
    if verb is not None and verb not in CORE:
        if verb not in STREAMS:
            _unknown(parser, verb)
        load_extras(verb, subparsers)
    args = parser.parse_args(arguments)
    if not hasattr(args, "run"):
        parser.error(f"{verb or 'aegis'} needs a verb; {' '.join(['aegis', *arguments])} --help")
    return args


def _unknown(parser: ArgumentParser, verb: str) -> NoReturn:
    meant = nearest(verb, (*CORE, *STREAMS))
    hint = f"did you mean {meant!r}?" if meant else "aegis --help lists all verbs"
    parser.error(f"there is no verb {verb!r}; {hint}")


def _epilog() -> str:
    needs = "" if streams_available() else "  (needs streams)"
    rows = [(verb, told + needs) for verb, told in STREAMS.items()]
    ending = ["", 'The extra is installed with: pip install "aegis-governance[streams]"']
    return "\n".join(["stream verbs:", *table(rows, "    "), *(ending if needs else [])])


def _report(error: Exception, arguments: Sequence[str]) -> int:
    code = _code_of(error)
    if "--json" in arguments:
        print_json(failure(error, code))
    else:
        print(error if code == exits.USAGE else f"aegis: {error}", file=sys.stderr)
    return code


def _code_of(error: Exception) -> int:
    if isinstance(error, UsageError):
        return exits.USAGE
    return exits.of_error(error) if isinstance(error, AegisError) else exits.INTERNAL
