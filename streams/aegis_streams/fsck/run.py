"""Judging a whole deployment: a process per log, as many at a time as there are cores."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aegis_streams.fsck.errors import CannotCheckError, DistrustError
from aegis_streams.fsck.findings import MEANING, Code, Found
from aegis_streams.fsck.kafka import Kafka
from aegis_streams.fsck.notes import read_note
from aegis_streams.fsck.state import Position
from aegis_streams.fsck.store import StoreJudge
from aegis_streams.fsck.stream import StreamJudge
from aegis_streams.fsck.task import Judged, Task
from aegis_streams.fsck.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from multiprocessing.queues import SimpleQueue

    from aegis_streams.fsck.state import StateFile

    Tell = Callable[[str, int, int], None]
    """Takes a log, the offset reached, and where it ends."""

GOOD: Final = 0
NOT_TRUSTED: Final = 1
COULD_NOT_CHECK: Final = 2
SAVE_SECONDS: Final = 5.0
_SHOWN: Final = 500
"""Characters of an error that are shown."""
_shared: dict[str, SimpleQueue[Any]] = {}
"""What a process of the pool was given at its start."""


@dataclass
class Report:
    """What came of a run.

    Attributes:
        logs: Each log.
        findings: What concerns no single log.
        could_not: What could not be checked at all.
        told: What is no finding and worth knowing.
        seconds: How long it took.
    """

    logs: list[Judged] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)
    could_not: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """Return 1 with any finding, else 2 if something could not be checked, else 0."""
        if self.findings or any(log.findings for log in self.logs):
            return NOT_TRUSTED
        if self.could_not or any(log.could_not for log in self.logs):
            return COULD_NOT_CHECK
        return GOOD

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "result": ("good", "not_trusted", "could_not_check")[self.exit_code],
            "exit_code": self.exit_code,
            "findings": [each.as_dict() for each in self.findings],
            "could_not_check": self.could_not,
            "told": self.told,
            "logs": [log.as_dict() for log in self.logs],
            "seconds": round(self.seconds, 3),
        }


def judge(
    tasks: Sequence[Task],
    *,
    processes: int | None = None,
    tell: Tell = lambda *_: None,
    state: StateFile | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Judge logs and return what came of it; only a bug raises.

    Args:
        tasks: The logs.
        processes: How many at a time; None for as many as cores, 1 for none but this.
        tell: Is told of progress.
        state: Takes verified positions.
        clock: Seconds.
    """
    began, report = clock(), Report()
    _check_partitions(tasks, report)
    if not report.could_not:
        count = min(processes or os.cpu_count() or 1, len(tasks))
        keeper = _Keeper(state, tell, clock)
        run = _here if count == 1 else _spread
        report.logs = sorted(run(tasks, count, keeper), key=lambda each: each.log)
        keeper.finish(report)
    _check_scope(tasks, report)
    report.seconds = clock() - began
    return report


def _check_partitions(tasks: Sequence[Task], report: Report) -> None:
    """See that Kafka answers, and has the partitions that the trust file's logs need."""
    source = tasks[0].source
    if source.bootstrap is None:
        return
    topics, kafka = source.topics, Kafka(source.bootstrap)
    names = topics.audit, topics.checkpoints, topics.decisions, topics.letters
    try:
        needed, exact = _needed(tasks)
        for topic in (*names, *(lies for _, lies in topics.inputs)):
            found = kafka.partitions(topic)
            if not found:
                report.could_not.append(f"{topic}: no such topic at {source.bootstrap}")
            elif found < needed or (exact and found > needed):
                detail = f"{topic} has {found} partitions, the logs need {needed}"
                report.findings.append(Found(Code.PARTITIONS, "", {"topic": topic}, detail))
    except CannotCheckError as error:
        report.could_not.append(str(error))
    finally:
        kafka.close()


def _needed(tasks: Sequence[Task]) -> tuple[int, bool]:
    """Return how many partitions the logs need; and whether the trust file says so."""
    epochs = {task.log.rpartition("/")[0] for task in tasks}
    known = [log for log in Trust(tasks[0].trust).logs if log.rpartition("/")[0] in epochs]
    last = [task.partition for task in tasks] + [int(log.rpartition("/")[2]) for log in known]
    return max(last) + 1, bool(known)


def _check_scope(tasks: Sequence[Task], report: Report) -> None:
    """Say what was brought along or is believed, and was not judged."""
    judged = {task.log for task in tasks}
    for name, note in dict.fromkeys(each for task in tasks for each in task.since):
        with suppress(DistrustError):  # each log says so itself
            origin = read_note(note).origin
            if origin not in judged:
                report.could_not.append(f"{name}: its log {origin} is not among those judged")
    with suppress(CannotCheckError):  # the same
        known = Trust(tasks[0].trust).logs
        others = Counter(log.rpartition("/")[0] for log in known if log not in judged)
        for epoch, count in others.items():
            report.told.append(f"{count} logs of {epoch} in the trust file were not judged")


class _Keeper:
    """Takes what the judges say while they are at it."""

    def __init__(self, state: StateFile | None, tell: Tell, clock: Callable[[], float]) -> None:
        self.state = state
        self._tell, self._clock = tell, clock
        self._saved = clock()

    def hear(self, said: Position | tuple[str, int, int]) -> None:
        """Take a verified position, or progress."""
        if isinstance(said, Position):
            self._keep(said)
        else:
            self._tell(*said)

    def finish(self, report: Report) -> None:
        """Write the positions of logs without findings; those of others go."""
        if self.state is None:
            return
        for log in report.logs:
            if log.findings:
                self.state.positions.pop(log.log, None)
            elif log.position is not None:
                self.state.positions[log.log] = log.position
        try:
            self.state.save()
        except CannotCheckError as error:
            report.could_not.append(str(error))

    def _keep(self, position: Position) -> None:
        if self.state is None:
            return
        self.state.positions[position.log] = position
        if self._clock() - self._saved > SAVE_SECONDS:
            self._saved = self._clock()
            with suppress(CannotCheckError):  # `finish` tries again, and tells
                self.state.save()


def judge_log(task: Task, hear: Callable[[Any], None], *, keep: bool) -> Judged:
    """Judge one log in this process; what cannot be checked is part of the result.

    So is whatever else goes wrong: the findings, and the reports of all other logs, must not be
    lost over it, and nothing is called good that was not looked at.
    """
    last = 0.0

    def save(position: Position) -> None:
        nonlocal last
        if time.monotonic() - last > SAVE_SECONDS:
            last = time.monotonic()
            hear(position)

    def tell(at: int, end: int) -> None:
        hear((task.log, at, end))

    judge: StreamJudge | StoreJudge | None = None
    try:
        if task.source.bootstrap is None:
            judge = StoreJudge(task, tell)
        else:
            judge = StreamJudge(task, tell, save if keep else None)
        return judge.judge()
    except CannotCheckError as error:
        return _stopped(task, judge, str(error))
    except Exception as error:  # noqa: BLE001 - see above
        at = 0 if judge is None else judge.reached
        what = f"{type(error).__name__}: {str(error)[:_SHOWN]}"
        return _stopped(
            task,
            judge,
            f"judging stopped at leaf {at} with {what}. Either a value near it was changed so that "
            "nobody can read it, or the judge has a fault: look at that leaf, and report this",
        )
    finally:
        if judge is not None:
            judge.close()


def _stopped(task: Task, judge: StreamJudge | StoreJudge | None, why: str) -> Judged:
    """Return what was found up to where judging a log stopped, and why it did."""
    result = Judged(task.log) if judge is None else judge.stopped()
    result.could_not.append(why)
    return result


def _here(tasks: Sequence[Task], _: int, keeper: _Keeper) -> list[Judged]:
    keep = keeper.state is not None
    return [judge_log(task, keeper.hear, keep=keep) for task in tasks]


def _spread(tasks: Sequence[Task], count: int, keeper: _Keeper) -> list[Judged]:
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    pool = ProcessPoolExecutor(count, context, initializer=_listen, initargs=(queue,))
    keep = keeper.state is not None
    try:
        running = {pool.submit(_work, task, keep): task for task in tasks}
        return list(_collect(running, queue, keeper))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        queue.close()


def _collect(
    running: dict[Future[Judged], Task], queue: SimpleQueue[Any], keeper: _Keeper
) -> Iterable[Judged]:
    waiting = set(running)
    while waiting:
        try:
            for done in as_completed(waiting, timeout=0.2):
                waiting.discard(done)
                yield _outcome(done, running[done])
        except TimeoutError:
            pass
        while not queue.empty():
            keeper.hear(queue.get())


def _outcome(done: Future[Judged], task: Task) -> Judged:
    try:
        return done.result()
    except BrokenProcessPool:
        return Judged(task.log, could_not=["the process that judged it was ended from outside"])


def _listen(queue: SimpleQueue[Any]) -> None:
    _shared["queue"] = queue


def _work(task: Task, keep: bool) -> Judged:
    return judge_log(task, _shared["queue"].put, keep=keep)


def meaning(code: str) -> str:
    """Return what a finding means in plain words."""
    return MEANING[Code(code)]
