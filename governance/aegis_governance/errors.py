"""The errors of the governance core.

``AegisError`` is the root of every error this product raises on purpose; the codecs and streams
packages subclass it. A message says what is wrong, where, and what to do about it.
"""

from __future__ import annotations


class AegisError(Exception):
    """Root of all errors raised on purpose."""


class FieldError(AegisError):
    """A named field holds a value that is not allowed.

    Attributes:
        field: The field's name as the user wrote it.
        value: The offending value.
        allowed: What the field accepts, as text.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field}: {shown(value)} is not allowed; give {allowed}")


class ConfigError(FieldError):
    """A configuration holds an unknown key, a value out of its bounds, or contradicts itself."""


class InputError(FieldError):
    """A proposal holds an unknown key or a value that cannot be judged."""


class UnreadableError(AegisError):
    """A file or stream could not be read, or is not the format it should be."""


class MissingExtraError(AegisError):
    """A feature was asked for whose optional packages are not installed.

    Attributes:
        feature: What was asked for.
        extra: The extra of the distribution that brings it.
    """

    def __init__(self, feature: str, extra: str, cause: str = "") -> None:
        self.feature = feature
        self.extra = extra
        because = f" ({cause})" if cause else ""
        super().__init__(
            f"{feature} needs the extra {extra!r}{because}: "
            f'pip install "aegis-governance[{extra}]"'
        )


class UnknownEvaluatorError(AegisError):
    """A decision names an evaluator version that this release does not hold."""


class InsecureURLError(AegisError):
    """A telemetry URL is not https, or names no public host where one is required."""


_SHOWN_LENGTH = 80


def shown(value: object) -> str:
    """Return ``value`` as short text for a message: its repr, cut after 80 characters."""
    text = repr(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."
