"""The schema under which a batch passes through Faust untouched."""

# ruff: noqa: ANN401, ARG002  # the signatures are Faust's

from __future__ import annotations

from typing import Any

from faust.serializers.schemas import Schema


class BatchSchema(Schema[Any, Any]):
    """Gives an agent the `PartitionBatch` that the driver put into the message."""

    def __init__(self) -> None:
        super().__init__(key_type=None, value_type=None, allow_empty=False)

    def loads_key(self, app: Any, message: Any, **options: Any) -> Any:
        """Return no key: batches have none."""
        return None

    def loads_value(self, app: Any, message: Any, **options: Any) -> Any:
        """Return the batch."""
        return message.value
