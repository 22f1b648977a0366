"""The newest checkpoint is the largest that verifies; junk is passed over and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aegis_codecs.errors import Finding, NotTrustedError
from aegis_codecs.log.checkpoint import Checkpoint
from aegis_codecs.verifier import Verifier
from aegis_streams.client import checkpoints
from aegis_streams.client.checkpoints import FAR, NEAR, CheckpointFinder
from aegis_streams.client.errors import NotFoundError
from support.logs import ORIGIN, SampleLog, lies, log_keys, sample_bodies, trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aegis_codecs.trust import TrustPolicy


class Topic:
    """A partition of the checkpoints topic, which notes how far back it was read."""

    def __init__(self, *notes: bytes) -> None:
        self.stored = notes
        self.read: list[int] = []

    def notes(self, partition: int, last: int) -> Sequence[bytes]:
        assert partition == 0
        self.read.append(last)
        return self.stored[-last:]

    def newest(self, least: int = 1, policy: TrustPolicy | None = None) -> tuple[int, bytes]:
        finder = CheckpointFinder(self.notes, Verifier(policy or trust()))
        found = finder.newest(0, ORIGIN, least)
        return found.checkpoint.size, found.note


def sealed(*sizes: int) -> list[bytes]:
    """Return the checkpoints of one log when it had these many leaves."""
    log = SampleLog()
    found = []
    for size in sizes:
        log.append(sample_bodies(size - log.tree.size, log.tree.size))
        found.append(log.seal())
    return found


def test_the_largest_counts_wherever_it_lies() -> None:
    two, five, seven = sealed(2, 5, 7)
    topic = Topic(two, seven, five)
    assert topic.newest() == (7, seven)
    assert topic.read == [NEAR[0]]


def test_junk_is_passed_over_and_told(caplog: pytest.LogCaptureFixture) -> None:
    (five,) = sealed(5)
    junk = (b"", b"nonsense", b"\xff\n\n\xff", *lies())
    assert Topic(five, *junk).newest() == (5, five)
    (told,) = caplog.messages
    assert "aegis.checkpoints[0]: records that are no checkpoint" in told
    assert "4 malformed_note" in told  # the unsigned one among them
    assert "2 signature_invalid" in told
    assert "1 signature_missing" in told


def test_a_clean_topic_needs_no_word(caplog: pytest.LogCaptureFixture) -> None:
    other = SampleLog("aegis/local/1/1").seal()
    (five,) = sealed(5)
    assert Topic(five, other).newest() == (5, five)
    assert caplog.messages == []


def test_a_flood_of_junk_is_looked_behind() -> None:
    (five,) = sealed(5)
    topic = Topic(five, *[lies()[1]] * NEAR[0])
    assert topic.newest() == (5, five)
    assert topic.read == list(NEAR)


def test_old_checkpoints_that_are_copied_to_the_end_hide_nothing() -> None:
    two, five = sealed(2, 5)
    topic = Topic(five, *[two] * NEAR[0])
    assert topic.newest(least=3) == (5, five)


def test_what_is_too_small_is_returned_and_not_looked_for_for_ever() -> None:
    (five,) = sealed(5)
    topic = Topic(five)
    assert topic.newest(least=6) == (5, five)
    assert FAR not in topic.read


def test_nothing_but_junk_is_nothing_found() -> None:
    topic = Topic(*lies())
    with pytest.raises(NotFoundError, match=r"no checkpoint that verifies.*1 signature_missing"):
        topic.newest()
    assert topic.read == [*NEAR, FAR]
    with pytest.raises(NotFoundError, match=r"left on aegis.checkpoints\[0\]; one comes"):
        Topic().newest()


def test_no_more_than_a_bound_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MAX_CLAIMS", 3)
    (five,) = sealed(5)
    lie = lies()[1]
    assert Topic(five, lie, lie).newest() == (5, five)
    with pytest.raises(NotFoundError):
        Topic(five, lie, lie, lie).newest()


def test_two_signed_histories_are_no_noise() -> None:
    (five,) = sealed(5)
    signer = log_keys().checkpoint_signer(ORIGIN)
    fork = signer.seal(Checkpoint(ORIGIN, 5, bytes(range(32))))
    with pytest.raises(NotTrustedError) as caught:
        Topic(five, fork).newest()
    assert caught.value.finding is Finding.FORKED_HISTORY


def test_a_log_that_the_trust_file_does_not_know_is_no_noise() -> None:
    finder = CheckpointFinder(lambda *_: [SampleLog("aegis/moon/1/0").seal()], Verifier(trust()))
    with pytest.raises(NotTrustedError) as caught:
        finder.newest(0, "aegis/moon/1/0", 1)
    assert caught.value.finding is Finding.UNKNOWN_ORIGIN
