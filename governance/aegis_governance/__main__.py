"""``python -m aegis_governance`` is the command ``aegis``."""

from __future__ import annotations

import sys

from aegis_governance.cli import main

if __name__ == "__main__":
    sys.exit(main())
