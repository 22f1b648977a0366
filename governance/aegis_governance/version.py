"""The version of the distribution; a test keeps it equal to pyproject.toml."""

from __future__ import annotations

from typing import Final

__version__: Final = "1.0.0"
