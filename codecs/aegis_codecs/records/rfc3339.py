"""Times as text: RFC 3339 with an offset, to and from milliseconds since 1970.

Python's own parser accepts more in each version; what a record means must not depend on that.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST_MINUTE: Final = 59


def parse(text: str) -> int | None:
    """Milliseconds since 1970-01-01T00:00:00Z, further digits cut off; None if it is no time."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    fraction, sign = found[7] or "", found[8]
    offset = timedelta(hours=int(found[9]), minutes=int(found[10])) if sign else timedelta()
    if offset >= timedelta(days=1) or (sign and int(found[10]) > _LAST_MINUTE):
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    whole = (local - _EPOCH) // _MILLISECOND + int(f"{fraction:0<3.3}")
    return whole + (offset // _MILLISECOND) * (1 if sign == "-" else -1)


def render(milliseconds: int) -> str:
    """The time in UTC with milliseconds, such as ``2026-11-23T14:00:00.000Z``.

    Raises:
        OverflowError: The time is outside the years 1 to 9999.
    """
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
