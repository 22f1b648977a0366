"""The components of the local stack, one file each."""

from __future__ import annotations
