"""The bundled edge cases: proposals that show every status and every kind of refusal.

The file is plain JSON lines, as any producer would write them; some lines are wrong on purpose.
Each line's metadata names the case and what has to come of it.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import Final, NamedTuple

_ID: Final = re.compile(rb'"proposal_id": "([^"]+)"')
_AGENT: Final = re.compile(rb'"agent_id": "([^"]+)"')
_CASE: Final = re.compile(rb'"case": "([^"]+)", "expect": "([^"]+)"')


class EdgeCase(NamedTuple):
    """One line of the file, ready to be produced as JSON.

    Attributes:
        name: Name of the case.
        expect: Status and reason that have to come of it, such as ``halt gate_failed``;
            ``repeated`` instead of a status if no new decision, ``rejected`` if none at all.
        proposal_id: Its id.
        agent_id: Its agent, the key to produce it with.
        value: The line as bytes; not always valid JSON.
    """

    name: str
    expect: str
    proposal_id: str
    agent_id: str
    value: bytes


def edge_cases(run: str = "") -> list[EdgeCase]:
    """Return the bundled cases.

    Args:
        run: Appended to every proposal id, so that each run asks something new; empty leaves
            the ids as they stand in the file.
    """
    file = resources.files("aegis_streams").joinpath("data", "edge_cases.jsonl")
    return _marked_repeats([_case(line, run) for line in file.read_bytes().splitlines()])


def _case(line: bytes, run: str) -> EdgeCase:
    suffix = f"-{run}".encode() if run else b""
    value = _ID.sub(lambda found: b'"proposal_id": "' + found[1] + suffix + b'"', line)
    name, expect = _groups(_CASE, value)
    return EdgeCase(name, expect, _groups(_ID, value)[0], _groups(_AGENT, value)[0], value)


def _marked_repeats(cases: list[EdgeCase]) -> list[EdgeCase]:
    """Say of a line that stood there before, byte for byte, that it is a repeat."""
    seen: set[bytes] = set()
    marked = []
    for case in cases:
        again = case.value in seen
        marked.append(case._replace(name="sent-twice", expect="repeated") if again else case)
        seen.add(case.value)
    return marked


def _groups(pattern: re.Pattern[bytes], line: bytes) -> tuple[str, ...]:
    found = pattern.search(line)
    if found is None:
        raise ValueError(f"edge_cases.jsonl: a line lacks {pattern.pattern.decode()}")
    return tuple(group.decode("utf-8") for group in found.groups())
