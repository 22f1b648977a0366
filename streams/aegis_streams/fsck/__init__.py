"""The independent judge: everything recomputed from the bytes on the topics and in the database.

It shares no code with what it judges: only the schema files, the standard library and libraries.
A house test reads its imports and proves it (ADR 0011).
"""

from __future__ import annotations

from aegis_streams.fsck.errors import CannotCheckError, DistrustError, FsckError
from aegis_streams.fsck.run import Report, judge, meaning
from aegis_streams.fsck.state import StateFile
from aegis_streams.fsck.task import Source, Task, Topics
from aegis_streams.fsck.trust import Trust

__all__ = [
    "CannotCheckError",
    "DistrustError",
    "FsckError",
    "Report",
    "Source",
    "StateFile",
    "Task",
    "Topics",
    "Trust",
    "judge",
    "meaning",
]
