"""The schema under which a batch passes through Faust untouched."""

from __future__ import annotations

from typing import Any

from faust.serializers.schemas import Schema


class BatchSchema(Schema):
    """Gives an agent the `PartitionBatch` that the driver put into the message."""

    def __init__(self) -> None:
        super().__init__(key_type=None, value_type=None, allow_empty=False)

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:  # Faust's signature
        """Return no key: batches have none."""
        return None

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # Faust's signature
        """Return the batch."""
        return message.value
