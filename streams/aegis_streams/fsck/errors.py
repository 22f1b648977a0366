"""The judge's own errors. It shares none with what it judges."""

from __future__ import annotations


class FsckError(Exception):
    """Base of what the judge raises."""


class CannotCheckError(FsckError):
    """Nothing was found out: a server, a file or an algorithm is missing. Never a finding."""


class DistrustError(FsckError):
    """Something was checked and is wrong.

    Attributes:
        code: Stable name of what is wrong, a value of `findings.Code`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
