"""`aegis fsck`: have an independent judge recompute everything from the bytes."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from aegis_codecs.errors import CouldNotCheckError
from aegis_streams import fsck, names
from aegis_streams.cli.arguments import add_trust_option, positive_integer, settings_of
from aegis_streams.cli.finish import command
from aegis_streams.fsck.checkpoints import note_in
from aegis_streams.fsck.notes import read_note
from aegis_streams.fsck.run import COULD_NOT_CHECK, GOOD, NOT_TRUSTED

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from rich.progress import TaskID

    from aegis_streams.fsck.task import Judged
    from aegis_streams.settings import Settings

_ORIGIN: Final = re.compile(r"[^/]+/[^/]+/[1-9][0-9]*/([0-9]+)")
_GROUPS: Final = {
    "decide": names.DECIDE_GROUP,
    "seal": names.SEAL_GROUP,
    "sink": "connect-aegis-audit",
    "sink-checkpoints": "connect-aegis-checkpoints",
}
"""Consumer groups; Connect names its own after its connectors."""
_VERDICT: Final = {
    GOOD: "all good",
    NOT_TRUSTED: "NOT TRUSTED",
    COULD_NOT_CHECK: "could not check everything",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fsck` to the `aegis` command."""
    parser = subparsers.add_parser(
        "fsck",
        help="recompute and judge everything",
        description="Recompute chain, tree, checkpoints, decisions and dead letters from the bytes "
        "on the topics, and compare every row of the database with its leaf, by a program that "
        "shares no code with the one that wrote them.",
        epilog="Exit code: 0 all good, 1 something is not trusted, 2 something could not be "
        "checked. Findings and their meaning: docs/fsck.md.",
    )
    parser.add_argument(
        "--kafka", action="store_true", help="judge the topics (default: topics and database)"
    )
    parser.add_argument(
        "--database",
        nargs="?",
        const="",
        metavar="URL",
        help="judge the database (default URL: $AEGIS_DATABASE_URL, or that of the local stack)",
    )
    parser.add_argument(
        "--log",
        action="append",
        metavar="ORIGIN",
        default=[],
        help="judge this log only, such as aegis/local/1/0 (may be repeated; default: those of the "
        "trust file)",
    )
    parser.add_argument(
        "--since",
        action="append",
        type=Path,
        metavar="CHECKPOINT",
        default=[],
        help="a checkpoint or receipt of a judged log that was kept earlier, or a directory of "
        "them: the log must continue it",
    )
    parser.add_argument(
        "--retain",
        type=Path,
        metavar="DIRECTORY",
        help="write each log's newest checkpoint there, for a later --since",
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="go on from the positions in FILE, and renew it"
    )
    parser.add_argument(
        "--processes", type=positive_integer, metavar="N", help="logs judged at a time"
    )
    add_trust_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


@command("fsck")
def run(args: argparse.Namespace) -> int:
    """Judge, print the report, and return its exit code."""
    settings = settings_of(args)
    try:
        tasks = _tasks(args, settings)
        _require_place(args.retain)
        state = None if args.state is None else fsck.StateFile.load(args.state)
    except fsck.CannotCheckError as error:
        raise CouldNotCheckError(str(error)) from error
    if state is not None:
        tasks = [_resumed(task, state) for task in tasks]
    with _progress(quiet=args.json) as tell:
        report = fsck.judge(tasks, processes=args.processes, tell=tell, state=state)
    if args.json:
        print(json.dumps(report.as_dict()))
    else:
        _show(report)
    if args.retain is not None and report.exit_code == GOOD:
        _retain(args.retain, report, quiet=args.json)
    return report.exit_code


def _tasks(args: argparse.Namespace, settings: Settings) -> list[fsck.Task]:
    try:
        trust = settings.trust_file.read_bytes()
    except OSError as error:
        raise fsck.CannotCheckError(
            f"trust file {settings.trust_file}: {error.strerror}; get it from who runs the log, or "
            "name it by --trust"
        ) from error
    known = fsck.Trust(trust).logs
    chosen = args.kafka, args.database is not None
    url = args.database or settings.database_url or None
    if chosen[1] and url is None:
        raise fsck.CannotCheckError("--database: no URL is known; name it, or AEGIS_DATABASE_URL")
    source = fsck.Source(
        bootstrap=None if chosen == (False, True) else settings.bootstrap,
        registry=settings.registry_url,
        database=None if chosen == (True, False) else url,
        groups=_GROUPS,
        keeps_ms=(_keeps(names.DECISIONS), _keeps(names.DEAD_LETTERS)),
    )
    since = tuple(_notes(args.since))
    return [
        fsck.Task(log, partition, source, trust, since, now_ms=int(time.time() * 1000))
        for log, partition in _logs(args.log or _here(known, settings))
    ]


def _keeps(topic: str) -> int:
    return next(int(spec.config["retention.ms"]) for spec in names.TOPICS if spec.name == topic)


def _here(known: Iterable[str], settings: Settings) -> list[str]:
    """Return the logs of the one epoch that the trust file knows, or of that in the settings."""
    epochs: dict[str, list[str]] = {}
    for log in known:
        epochs.setdefault(log.rpartition("/")[0], []).append(log)
    mine = settings.origin(0).rpartition("/")[0] if len(epochs) > 1 else next(iter(epochs), "")
    if mine not in epochs:
        raise fsck.CannotCheckError(
            f"the trust file knows no log of {mine or 'anybody'}, but those of "
            f"{', '.join(epochs) or 'nobody'}: name those that lie here by --log, or by "
            "AEGIS_DEPLOYMENT, AEGIS_REGION and AEGIS_EPOCH"
        )
    return epochs[mine]


def _logs(chosen: Iterable[str]) -> Iterator[tuple[str, int]]:
    for log in dict.fromkeys(chosen):
        match = _ORIGIN.fullmatch(log)
        if match is None:
            raise fsck.CannotCheckError(f"--log {log}: use DEPLOYMENT/REGION/EPOCH/PARTITION")
        yield log, int(match[1])


def _notes(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            files = sorted(path.iterdir()) if path.is_dir() else [path]
        except OSError as error:
            raise fsck.CannotCheckError(f"--since {path}: {error.strerror}") from error
        for file in files:
            try:
                yield str(file), note_in(file.read_bytes())
            except OSError as error:
                raise fsck.CannotCheckError(f"--since {file}: {error.strerror}") from error
            except fsck.CannotCheckError as error:
                raise fsck.CannotCheckError(f"--since {file}: {error}") from error


def _resumed(task: fsck.Task, state: fsck.StateFile) -> fsck.Task:
    return fsck.Task(**{**vars(task), "position": state.positions.get(task.log)})


def _require_place(directory: Path | None) -> None:
    """Make the directory for checkpoints before hours of work, not after."""
    if directory is None:
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise fsck.CannotCheckError(f"--retain {directory}: {error.strerror}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise fsck.CannotCheckError(f"--retain {directory}: cannot be written")


def _retain(directory: Path, report: fsck.Report, *, quiet: bool) -> None:
    try:
        for log in report.logs:
            if log.newest:
                head = read_note(log.newest)
                name = f"{head.origin.replace('/', '_')}-{head.size}.checkpoint"
                (directory / name).write_bytes(log.newest)
    except OSError as error:
        raise CouldNotCheckError(f"--retain {directory}: {error.strerror}") from error
    if not quiet:
        print(f"checkpoints for a later --since: {directory}")


def _progress(*, quiet: bool) -> AbstractContextManager[Callable[[str, int, int], None]]:
    return _Bars(Console(stderr=True, quiet=quiet))


class _Bars:
    """A bar per log on a terminal, nothing in a pipe."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Callable[[str, int, int], None]:
        self._progress.start()
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _tell(self, log: str, at: int, end: int) -> None:
        if log not in self._bars:
            self._bars[log] = self._progress.add_task(log)
        self._progress.update(self._bars[log], completed=at, total=max(end, 1))


def _show(report: fsck.Report) -> None:
    for log in report.logs:
        _show_log(log)
    for found in report.findings:
        print(f"FINDING {found.code}: {found.detail}")
    for told in report.told:
        print(f"note: {told}")
    for reason in report.could_not:
        print(f"could not check: {reason}", file=sys.stderr)
    leaves = sum(log.figures.get("leaves", 0) for log in report.logs)
    findings = sum(len(log.findings) for log in report.logs) + len(report.findings)
    print(
        f"{_VERDICT[report.exit_code]}: {leaves:,} leaves of {len(report.logs)} logs in "
        f"{report.seconds:.1f} s, {findings} kinds of findings"
    )


def _show_log(log: Judged) -> None:
    figures = ", ".join(f"{value:,} {name}" for name, value in log.figures.items() if value)
    print(f"{log.log}: {figures or 'nothing checked'}")
    for found in log.findings:
        where = ", ".join(f"{key} {value}" for key, value in found.where.items())
        print(f"  FINDING {found.code} ({found.count}): {found.detail}")
        print(f"    first at {where}; it means: {fsck.meaning(found.code)}")
    for reason in log.could_not:
        print(f"  could not check: {reason}", file=sys.stderr)
    for told in log.told:
        print(f"  note: {told}")
