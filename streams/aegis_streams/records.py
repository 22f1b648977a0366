"""The records of the stream's own topics, in Confluent wire format with registered schemas."""

from __future__ import annotations
