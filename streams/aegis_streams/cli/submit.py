"""`aegis submit`: proposals from JSON lines or a git history onto the stream."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from aegis_codecs.errors import DecodeError
from aegis_codecs.records.proposals import from_json
from aegis_streams.cli.arguments import positive_integer, positive_number
from aegis_streams.cli.finish import OK, UNREADABLE, command
from aegis_streams.client.errors import ProposalError
from aegis_streams.client.pace import Pace
from aegis_streams.client.producer import Delivered, ProposalProducer
from aegis_streams.settings import Settings
from aegis_streams.sources.errors import SourceError
from aegis_streams.sources.git import git_proposals, newest
from aegis_streams.sources.git_log import is_shallow
from aegis_streams.sources.jsonl import numbered_lines
from aegis_streams.stack import Narrator

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

STDIN: Final = "-"


class Candidate(NamedTuple):
    """One place of a source.

    Attributes:
        where: The place, such as ``file.jsonl:12``.
        proposal: The record found there; None if it is none.
        fault: Why it is none; None otherwise.
    """

    where: str
    proposal: dict[str, Any] | None
    fault: ProposalError | None = None


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `submit` to the `aegis` command."""
    parser = subparsers.add_parser(
        "submit",
        help="send proposals: JSON lines, or a git history",
        description="Send proposals to the stream. Each is checked before it is sent.",
        epilog="Exit code: 0 if everything was sent, 65 if something was no proposal, 69 if the "
        "stream does not answer.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file", nargs="?", metavar="FILE.jsonl", help="one proposal a line; - reads standard input"
    )
    source.add_argument(
        "--git", type=Path, metavar="PATH", help="a repository: each change becomes a proposal"
    )
    parser.add_argument(
        "--limit", type=positive_integer, metavar="N", help="with --git: only the newest N changes"
    )
    parser.add_argument(
        "--rate", type=positive_number, metavar="N", help="at most N proposals a second"
    )
    parser.add_argument(
        "--strict", action="store_true", help="stop at the first line that is no proposal"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per delivery and per fault"
    )
    parser.set_defaults(run=run)


@command("submit")
def run(args: argparse.Namespace) -> int:
    """Send every proposal of the source and wait until all were delivered."""
    with _candidates(args) as candidates:
        report = _Report(as_json=args.json)
        with Narrator() as narrator:
            producer = ProposalProducer.connect(Settings.load(), report.delivered)
            pace = Pace(args.rate, sleep=producer.wait)
            with producer:
                for candidate in candidates:
                    pace.next()
                    sound = _submit(producer, candidate, report)
                    narrator.detail(f"{producer.sent} sent, {producer.delivered} delivered")
                    if not sound and args.strict:
                        break
        report.finish(producer.delivered)
    return UNREADABLE if report.faults else OK


class _Report:
    """What is printed: deliveries and faults for programs, faults and a sum for people."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self.faults = 0

    def delivered(self, delivered: Delivered) -> None:
        """Tell of a record that Kafka took."""
        if self._json:
            print(json.dumps({"delivered": True, **_named(delivered)}))

    def fault(self, where: str, error: ProposalError) -> None:
        """Tell of a place that holds no proposal."""
        self.faults += 1
        if self._json:
            told = {"delivered": False, "at": where, "field": error.field, "error": str(error)}
            print(json.dumps(told))
        else:
            print(f"{where}: {error}", file=sys.stderr)

    def finish(self, delivered: int) -> None:
        """Sum up."""
        if not self._json:
            refused = f", {self.faults} refused" if self.faults else ""
            print(f"{delivered} proposals sent{refused}; `aegis watch` shows the decisions")


def _named(delivered: Delivered) -> dict[str, object]:
    return {
        "proposal_id": delivered.label,
        "partition": delivered.partition,
        "offset": delivered.offset,
    }


def _submit(producer: ProposalProducer, candidate: Candidate, report: _Report) -> bool:
    """Send one candidate; return whether it was a proposal."""
    fault = candidate.fault
    if candidate.proposal is not None:
        try:
            producer.submit(candidate.proposal)
        except ProposalError as error:
            fault = error
    if fault is not None:
        report.fault(candidate.where, fault)
    return fault is None


@contextmanager
def _candidates(args: argparse.Namespace) -> Iterator[Iterator[Candidate]]:
    """Open the source that the arguments name.

    Raises:
        SourceError: It cannot be read.
    """
    if args.git is not None:
        yield _from_git(args.git, args.limit)
    elif args.file == STDIN:
        yield _from_lines(sys.stdin.buffer, "standard input")
    else:
        with _opened(Path(args.file)) as stream:
            yield _from_lines(stream, args.file)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error


def _from_git(path: Path, limit: int | None) -> Iterator[Candidate]:
    if is_shallow(path):
        print(
            f"{path}: the clone is shallow, older changes are unknown and the numbers differ from "
            "those of a full clone (`git fetch --unshallow`)",
            file=sys.stderr,
        )
    found = newest(git_proposals(path), limit)
    return (Candidate(str(proposal["metadata"]["commit"]), proposal) for proposal in found)


def _from_lines(stream: BinaryIO, name: str) -> Iterator[Candidate]:
    for line in numbered_lines(stream):
        where = f"{name}:{line.number}"
        try:
            yield Candidate(where, from_json(line.text))
        except DecodeError as error:
            yield Candidate(where, None, ProposalError(error.detail))
