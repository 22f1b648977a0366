"""The client library: send proposals, receive verified decisions, rebuild receipts."""

from __future__ import annotations

from aegis_streams.client.consumer import VerifyingDecisionConsumer
from aegis_streams.client.decisions import RefusedDecision, VerifiedDecision
from aegis_streams.client.errors import (
    BrokenLogError,
    ClientError,
    DecisionFault,
    DeliveryError,
    NotFoundError,
    NotPermittedError,
    NotSealedError,
    PositionLostError,
    ProposalError,
    Refusal,
)
from aegis_streams.client.producer import Delivered, ProposalProducer
from aegis_streams.client.receipts import Rebuilt, ReceiptBuilder
from aegis_streams.client.release import Permission, ReleaseGuard

__all__ = [
    "BrokenLogError",
    "ClientError",
    "DecisionFault",
    "Delivered",
    "DeliveryError",
    "NotFoundError",
    "NotPermittedError",
    "NotSealedError",
    "Permission",
    "PositionLostError",
    "ProposalError",
    "ProposalProducer",
    "Rebuilt",
    "ReceiptBuilder",
    "Refusal",
    "RefusedDecision",
    "ReleaseGuard",
    "VerifiedDecision",
    "VerifyingDecisionConsumer",
]
