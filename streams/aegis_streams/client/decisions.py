"""Records of the decisions topic: believed only once everything about them was checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aegis_codecs.errors import DecodeError, NotTrustedError
from aegis_codecs.records import bodies
from aegis_streams.client.errors import DecisionFault, DecisionNotTrustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aegis_codecs.records.envelopes import SignedDecision
    from aegis_codecs.verifier import VerifiedLeaf, Verifier
    from aegis_streams.client.kafka import Record

DECISION: Final = "DecisionMade"
_COPIES: Final = ("decision_id", "proposal_id", "agent_id", "status")


class Cause(NamedTuple):
    """The input record a decision was made about.

    Attributes:
        topic: Input topic.
        partition: Its partition.
        offset: Offset in it.
    """

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class VerifiedDecision:
    """A decision that is proven to be in a believed log.

    Attributes:
        fields: The decoded body, as `schemas/avro/DecisionMade.avsc` describes it.
        leaf: Log, index, tree size and root that prove it, and the body's bytes.
        receipt: The proof, a tlog-proof without the body.
    """

    fields: Mapping[str, Any]
    leaf: VerifiedLeaf
    receipt: bytes

    @property
    def decision_id(self) -> str:
        """Id of the decision."""
        return str(self.fields["decision_id"])

    @property
    def proposal_id(self) -> str:
        """Id of the proposal that was decided."""
        return str(self.fields["proposal_id"])

    @property
    def agent_id(self) -> str:
        """The governed agent."""
        return str(self.fields["agent_id"])

    @property
    def status(self) -> str:
        """Status: proceed, pause, halt or escalate."""
        return str(self.fields["status"])

    @property
    def reason(self) -> str:
        """Stable code of the reason."""
        return str(self.fields["reason"])

    @property
    def cause(self) -> Cause:
        """The input record that was decided."""
        fields = self.fields
        return Cause(fields["cause_topic"], fields["cause_partition"], fields["cause_offset"])


@dataclass(frozen=True, slots=True)
class RefusedDecision:
    """A record of the decisions topic that must not be believed.

    Attributes:
        finding: Stable reason: a `DecisionFault` or a `Finding` of the verifier.
        message: The same in words.
        topic: Where it was read.
        partition: Its partition.
        offset: Its offset.
    """

    finding: str
    message: str
    topic: str
    partition: int
    offset: int


class DecisionReader:
    """Turns records of the decisions topic into verified or refused decisions.

    Steps, nothing being looked at before the step that vouches for it:

    1. decode the envelope;
    2. verify the receipt over the body's bytes, against the trust file;
    3. decode the body, which must be a decision;
    4. compare every copy beside the body, and the record key, with the body.

    Args:
        verifier: Checks receipts against the trust file.
        decode: Decodes the envelope; raises DecodeError.
    """

    def __init__(self, verifier: Verifier, decode: Callable[[bytes], SignedDecision]) -> None:
        self._verifier = verifier
        self._decode = decode

    def read(self, record: Record) -> VerifiedDecision | RefusedDecision:
        """Judge one record of the topic.

        Raises:
            CouldNotCheckError: A required algorithm is missing here; nothing was found out.
            RegistryUnreachableError: The schema of the record cannot be had now.
        """
        try:
            return self._verified(record)
        except NotTrustedError as error:
            return refused(error, record)

    def _verified(self, record: Record) -> VerifiedDecision:
        # Step 1
        envelope = self._envelope(record.value)
        # Step 2
        leaf = self._verifier.verify_receipt(envelope.receipt, envelope.body)
        # Step 3
        fields = decision_fields(leaf)
        # Step 4
        for name in _COPIES:
            _require_copy(name, getattr(envelope, name), fields[name])
        _require_copy("record key", record.key, str(fields["agent_id"]).encode())
        return VerifiedDecision(fields, leaf, envelope.receipt)

    def _envelope(self, value: bytes | None) -> SignedDecision:
        try:
            return self._decode(value or b"")
        except DecodeError as error:
            raise DecisionNotTrustedError(
                DecisionFault.UNREADABLE, f"not a signed decision: {error}"
            ) from error


def decision_fields(leaf: VerifiedLeaf) -> Mapping[str, Any]:
    """Return the fields of a verified leaf that must be a decision.

    Raises:
        DecisionNotTrustedError: `not_a_decision`.
    """
    try:
        kind, fields = bodies.decode(leaf.body)
    except DecodeError as error:
        raise DecisionNotTrustedError(
            DecisionFault.NOT_A_DECISION, f"the leaf is genuine, its body is unreadable: {error}"
        ) from error
    if kind != DECISION:
        raise DecisionNotTrustedError(DecisionFault.NOT_A_DECISION, f"the leaf is a {kind}")
    return fields


def refused(error: NotTrustedError, record: Record) -> RefusedDecision:
    """Return the finding about a record."""
    finding = error.fault if isinstance(error, DecisionNotTrustedError) else error.finding
    return RefusedDecision(str(finding), str(error), *record[:3])


def _require_copy(name: str, beside: object, inside: object) -> None:
    if beside != inside:
        raise DecisionNotTrustedError(
            DecisionFault.COPIES_DIFFER,
            f"{name}: {beside!r:.140} beside the body, {inside!r:.140} inside; only the body is "
            "signed",
        )
