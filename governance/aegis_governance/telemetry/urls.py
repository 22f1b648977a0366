"""Which URLs telemetry may be sent to: https, and from the command line public hosts only."""

from __future__ import annotations

import logging
import socket
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from aegis_governance.errors import InsecureURLError

_LOG: Final = logging.getLogger(__name__)
_HTTPS_PORT: Final = 443


def checked_url(url: str, *, allow_insecure: bool = False) -> str:
    """Return ``url`` if telemetry may be sent there.

    Args:
        url: An absolute URL without credentials in it.
        allow_insecure: Accept http too, with a WARNING in the log; for local development.

    Raises:
        InsecureURLError: Another scheme, no host, a bad port, or credentials in the URL.
    """
    parts = _parts(url)
    if parts.scheme == "http" and allow_insecure:
        _LOG.warning("telemetry goes to %s without TLS: allow_insecure is set", parts.netloc)
    elif parts.scheme != "https":
        raise InsecureURLError(f"telemetry URL {url!r} is not https: use an https:// URL")
    if not parts.hostname or parts.username is not None:
        raise InsecureURLError(
            f"telemetry URL {parts.scheme}://{parts.hostname or ''} must name a host and hold no "
            "credentials: pass them as headers"
        )
    return url


def require_public_host(url: str) -> None:
    """Refuse a URL whose host has an address that is not public.

    This keeps a URL from the outside from making this machine talk to its own network.

    Raises:
        InsecureURLError: The host cannot be resolved, or resolves to such an address.
    """
    parts = _parts(url)
    try:
        found = socket.getaddrinfo(
            parts.hostname, parts.port or _HTTPS_PORT, type=socket.SOCK_STREAM
        )
    except OSError as error:
        raise InsecureURLError(f"telemetry host {parts.hostname!r}: {error}") from error
    for *_, address in found:
        host = str(address[0]).partition("%")[0]
        if not ip_address(host).is_global:
            raise InsecureURLError(
                f"telemetry host {parts.hostname!r} has the address {host}, which is not public: "
                "give a public host"
            )


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is none
    except ValueError as error:
        raise InsecureURLError(f"telemetry URL {url!r} is malformed: {error}") from error
    return parts
