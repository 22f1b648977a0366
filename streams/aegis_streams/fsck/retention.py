"""What retention may have taken from the beginning of a topic, and what it cannot explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.fsck.findings import Code

if TYPE_CHECKING:
    from aegis_streams.fsck.findings import Findings


class Expiry:
    """Excuses what a topic no longer holds, if its time was over.

    Args:
        place: Topic and partition.
        low: The topic's first offset; 0 if nothing was ever removed.
        oldest: Records of a time before this may be gone, milliseconds since 1970.
        findings: Takes what retention does not explain.

    Attributes:
        expired: How many records were excused.
    """

    def __init__(self, place: tuple[str, int], low: int, oldest: int, findings: Findings) -> None:
        self._place = place
        self._low = low
        self._oldest = oldest
        self._findings = findings
        self._begun = low == 0
        self.expired = 0

    def excuses(self, sequence: int, time: int, begins: int | None) -> bool:
        """Tell whether the record of a leaf may be gone; a removal before its time is reported.

        Args:
            sequence: The leaf whose record is not there.
            time: Its leaf time; its record is not older.
            begins: The leaf of the topic's next record, None if there is none.
        """
        if self._begun or (begins is not None and begins <= sequence):
            return False
        if time > self._oldest:
            topic, partition = self._place
            self._findings.add(
                Code.REMOVED_EARLY,
                f"{topic} begins at offset {self._low}: what belongs to leaf {sequence} is gone "
                "before its retention was over",
                topic=topic,
                partition=partition,
                offset=self._low,
                sequence=sequence,
            )
        self.expired += 1
        return True

    def begin(self) -> None:
        """Note that the first record of the topic was met: from now on nothing is excused."""
        self._begun = True
