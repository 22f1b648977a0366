"""What the driver refuses, and what makes it stop the process."""

from __future__ import annotations

from aegis_streams.errors import StreamError


class TransportError(StreamError):
    """Base of everything the transport driver raises."""


class TransportConfigError(TransportError):
    """A limit is out of its range, or the app asks for something the driver does not do."""


class NotOwnedError(TransportError):
    """State of a partition was asked for that this worker does not own."""


class OutsideBatchError(TransportError):
    """State was written, or a record emitted, while no batch of the partition was open."""


class FaultError(TransportError):
    """The process must stop and start again; what was committed is whole, the rest is redone."""


class FencedError(FaultError):
    """Another process took over this worker's slot or one of its partitions."""


class UnknownOutcomeError(FaultError):
    """The broker did not say whether a transaction was committed."""


class RetriesExhaustedError(FaultError):
    """A batch was aborted more often than the named limit allows."""


class StuckError(FaultError):
    """Nothing moved for longer than the named limit although there was work."""


class AgentFaultError(FaultError):
    """The agent raised, or left its loop, with a batch in hand."""


class RestoreError(FaultError):
    """State of a partition could not be rebuilt within its limits."""


class OffsetMissingError(FaultError):
    """The group has no committed offset where one must exist; offsets are never made up."""


class BrokerError(FaultError):
    """A Kafka client reported an error that it cannot recover from by itself."""
