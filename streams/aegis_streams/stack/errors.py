"""What can go wrong with the local stack; every message says what to do next."""

from __future__ import annotations

from aegis_streams.errors import StreamError


class StackError(StreamError):
    """The local stack cannot be started, watched or stopped."""


class MissingToolError(StackError):
    """A program that the stack needs is absent or too old; the message names the installer."""


class PortBusyError(StackError):
    """A port of the stack is held by another process; the message names both."""


class DownloadError(StackError):
    """Maven could not fetch the packages of the stack; the message carries its last lines."""


class ComponentError(StackError):
    """A component does not become ready; the message carries the end of its log."""
