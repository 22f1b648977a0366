"""The error tree of the codecs.

Two branches must never be mistaken for each other: `NotTrustedError` says that something was
checked and found wrong; `CouldNotCheckError` says that nothing was found out. Neither releases
anything. A person hears of the first as an alarm, of the second as a fault to repair.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from aegis_governance.errors import AegisError


class Finding(StrEnum):
    """Why something is not trusted. The values are stable: scripts and tests compare them."""

    MALFORMED_RECEIPT = "malformed_receipt"
    """The receipt is not a tlog-proof in its one canonical form."""
    MALFORMED_NOTE = "malformed_note"
    """The signed note inside is malformed, too large, or signed twice by one key."""
    MALFORMED_CHECKPOINT = "malformed_checkpoint"
    """The note's text is not exactly origin, size and root."""
    BODY_MISSING = "body_missing"
    """Neither the receipt nor the caller supplied the leaf body."""
    BODY_DIFFERS = "body_differs"
    """The body beside the receipt is another than the one inside it."""
    BODY_TOO_LARGE = "body_too_large"
    """The body is longer than a leaf may be."""
    UNKNOWN_ORIGIN = "unknown_origin"
    """The trust file knows no log of this name."""
    SIGNATURE_MISSING = "signature_missing"
    """A required key did not sign."""
    SIGNATURE_INVALID = "signature_invalid"
    """A known key's line is there, and it does not verify."""
    WITNESS_QUORUM = "witness_quorum"
    """Fewer witnesses cosigned than the trust file asks for."""
    PAST_CUT = "past_cut"
    """The log went on beyond the size at which its epoch was cut."""
    INDEX_BEYOND_SIZE = "index_beyond_size"
    """The leaf's index is not below the tree's size."""
    PATH_LENGTH = "path_length"
    """The proof is too short or too long for its index and size."""
    ROOT_MISMATCH = "root_mismatch"
    """The proof leads to another root than the signed one."""
    ROLLED_BACK = "rolled_back"
    """The log is smaller than it was seen before."""
    FORKED_HISTORY = "forked_history"
    """The log signed two histories of which neither continues the other."""
    NOT_RELEASED = "not_released"
    """The leaf is genuine and permits nothing: no PROCEED, a dry run, not enforced, or expired."""


class CodecError(AegisError):
    """Base of everything the codecs raise."""


class NotTrustedError(CodecError):
    """Something was checked and must not be believed.

    Attributes:
        finding: The stable reason.
        exit_code: What a command returns for it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, finding: Finding, message: str) -> None:
        super().__init__(message)
        self.finding = finding


class CouldNotCheckError(CodecError):
    """Nothing was found out, for a reason on this side: no trust file, no reading, no algorithm."""

    exit_code: ClassVar[int] = 2


class TrustFileError(CouldNotCheckError):
    """The trust file is missing, unreadable or not in its format."""


class UnsupportedAlgorithmError(CouldNotCheckError):
    """A key names an algorithm that this version does not have."""


class KeyFileError(CodecError):
    """A key file is missing, malformed, readable by others, or would be overwritten."""


class DecodeError(CodecError):
    """Bytes are not a record of the kind they claim to be.

    Attributes:
        reason: The stable refusal code, for instance ``undecodable`` or ``schema_unknown``.
        detail: What was wrong, in words.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class RegistryUnreachableError(CodecError):
    """The schema registry did not answer; the record can be neither accepted nor refused."""
