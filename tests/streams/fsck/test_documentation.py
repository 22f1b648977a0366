from __future__ import annotations

import re

from aegis_streams.fsck.findings import MEANING, Code
from support.sources import REPOSITORY


def test_every_finding_is_documented_with_its_meaning() -> None:
    text = (REPOSITORY / "docs/fsck.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE))
    assert rows == {str(code): meaning for code, meaning in MEANING.items()}
    assert set(MEANING) == set(Code)
