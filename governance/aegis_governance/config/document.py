"""Reading configuration documents: YAML or JSON files, nested or flat.

A document holds parameters, either at its top level or under ``parameters``, and may hold settings
that decide nothing: ``version``, ``telemetry_url`` and ``allowed`` (the contract's description of
each parameter's bounds).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from aegis_governance.errors import ConfigError, MissingExtraError, UnreadableError

if TYPE_CHECKING:
    from os import PathLike

MAXIMUM_SIZE: Final = 16 * 1024 * 1024
"""The largest configuration file that is read, in bytes."""

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "novelty_gate": {
        "N0": "novelty_N0",
        "k": "novelty_k",
        "output_threshold": "novelty_threshold",
        "direction": "novelty_direction",
    },
    "utility_gate": {
        "z": "utility_z",
        "theta": "utility_theta",
        "required_from": "utility_required_from",
    },
    "drift": {
        "tau_warning": "tau_warning",
        "tau_critical": "tau_critical",
        "window": "drift_window",
        "minimum": "drift_minimum",
        "pseudo_count": "drift_pseudo_count",
    },
}
"""Nested sections, and the parameter that each key within them stands for."""


class _Node(Protocol):
    """What is read of PyYAML's nodes."""

    id: str
    value: Any


class Document(NamedTuple):
    """A configuration document, flattened."""

    parameters: dict[str, Any]
    telemetry_url: str | None


def flatten(values: Mapping[str, object]) -> Document:
    """Return the document with its sections flattened; names are not checked yet.

    Raises:
        ConfigError: A section is not a mapping or has an unknown key, a parameter is given twice,
            or ``telemetry_url`` is not a text.
    """
    top = _mapping("configuration", values)
    url = top.pop("telemetry_url", None)
    if url is not None and not isinstance(url, str):
        raise ConfigError("telemetry_url", url, "an https URL")
    for remark in ("version", "allowed"):
        top.pop(remark, None)
    flat: dict[str, Any] = {}
    for part in (_mapping("parameters", top.pop("parameters", {})), top):
        for name, value in part.items():
            for parameter, held in _expand(name, value):
                if parameter in flat:
                    raise ConfigError(parameter, held, "each parameter once")
                flat[parameter] = held
    return Document(flat, url)


def _mapping(where: str, value: object) -> dict[str, object]:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise ConfigError(where, value, "a mapping with names as keys")


def _expand(name: str, value: object) -> list[tuple[str, object]]:
    section = SECTIONS.get(name)
    if section is None:
        return [(name, value)]
    held = _mapping(name, value)
    for key in held:
        if key not in section:
            raise ConfigError(f"{name}.{key}", held[key], "one of " + ", ".join(section))
    return [(section[key], inner) for key, inner in held.items()]


def read(path: str | PathLike[str]) -> Mapping[str, object]:
    """Read a configuration file: JSON when its name ends in ``.json``, else YAML.

    Raises:
        ConfigError: The document is not a mapping, or holds a key twice.
        MissingExtraError: It is YAML, and PyYAML is not installed.
        UnreadableError: It cannot be read or parsed.
    """
    return read_json(path) if Path(path).suffix.lower() == ".json" else read_yaml(path)


def read_json(path: str | PathLike[str]) -> Mapping[str, object]:
    """Read a JSON configuration file; errors as ``read``."""
    text = _text(path)
    try:
        values = json.loads(text, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{path} is not JSON: {error}") from error
    return _mapping(str(path), values)


def read_yaml(path: str | PathLike[str]) -> Mapping[str, object]:
    """Read a YAML configuration file; errors as ``read``. An empty document has no parameters."""
    try:
        yaml = import_module("yaml")
    except ImportError as error:
        raise MissingExtraError("reading YAML configuration", "config", str(error)) from error
    text = _text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_repeated_keys(node)
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableError(f"{path} is not YAML: {error}") from error
    return _mapping(str(path), {} if values is None else values)


def _text(path: str | PathLike[str]) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAXIMUM_SIZE + 1)
        if len(data) > MAXIMUM_SIZE:
            raise UnreadableError(f"{path} is larger than {MAXIMUM_SIZE} bytes")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from error


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ConfigError("repeated key", repeated, "each key once")
    return values


def _refuse_repeated_keys(root: _Node | None) -> None:
    """Raise for a repeated key anywhere below ``root``; YAML itself would keep the last one."""
    pending: list[_Node | None] = [root]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.id == "mapping":
            _each_key_once([(str(key.value), value) for key, value in node.value])
            pending += [value for _, value in node.value]
        elif node.id == "sequence":
            pending += node.value
