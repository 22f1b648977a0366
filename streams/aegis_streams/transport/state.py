"""State of one table in one partition: a base of committed values under an overlay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aegis_streams.transport.errors import OutsideBatchError

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator


class PartitionState:
    """Key-value state that changes by whole batches.

    What an agent writes goes into an overlay. When the batch is committed the overlay is merged
    into the base; when it is aborted the overlay is dropped. Keys and values are the raw bytes
    of the changelog. Only the agent writes, and only while a batch of the partition is open.
    """

    __slots__ = ("_base", "_open", "_overlay", "name")

    def __init__(self, name: str, base: dict[bytes, bytes] | None = None) -> None:
        self.name = name
        self._base: dict[bytes, bytes] = {} if base is None else base
        self._overlay: dict[bytes, bytes | None] = {}
        self._open = False

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        overlay = self._overlay
        if key in overlay:
            return overlay[key]
        return self._base.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key within the open batch.

        Raises:
            OutsideBatchError: No batch of this partition is open.
        """
        if not self._open:
            raise OutsideBatchError(self._closed("put"))
        self._overlay[key] = value

    def delete(self, key: bytes) -> None:
        """Remove a key within the open batch (a tombstone in the changelog).

        Raises:
            OutsideBatchError: No batch of this partition is open.
        """
        if not self._open:
            raise OutsideBatchError(self._closed("delete"))
        self._overlay[key] = None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over all pairs as the batch sees them, in no particular order."""
        overlay = self._overlay
        for key, value in self._base.items():
            if key not in overlay:
                yield key, value
        for key, changed in overlay.items():
            if changed is not None:
                yield key, changed

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def __len__(self) -> int:
        """Count the keys; costs one look-up per changed key of the open batch."""
        base = self._base
        added = sum(1 for k, v in self._overlay.items() if v is not None and k not in base)
        removed = sum(1 for k, v in self._overlay.items() if v is None and k in base)
        return len(base) + added - removed

    def open(self) -> None:
        """Begin a batch (driver only)."""
        self._overlay = {}
        self._open = True

    def changes(self) -> ItemsView[bytes, bytes | None]:
        """Return the last value per changed key of the open batch; None is a tombstone."""
        return self._overlay.items()

    def merge(self) -> None:
        """End the batch: its transaction was committed (driver only)."""
        base = self._base
        for key, value in self._overlay.items():
            if value is None:
                base.pop(key, None)
            else:
                base[key] = value
        self.drop()

    def drop(self) -> None:
        """End the batch: its transaction was aborted (driver only)."""
        self._overlay = {}
        self._open = False

    def _closed(self, verb: str) -> str:
        return (
            f"table {self.name!r}: {verb} outside a batch would be in no transaction; "
            "write only while handling a PartitionBatch"
        )
