"""Dataclasses to plain JSON and back, by the class name under the key `type`."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, TypeVar

T = TypeVar("T")

_registry: dict[str, type[Any]] = {}
_defaults: dict[type[Any], tuple[tuple[str, Any], ...]] = {}
_nested: dict[type[Any], tuple[str, ...]] = {}
_NONE = object()


def recorded(cls: type[T]) -> type[T]:
    """Class decorator: make a frozen dataclass encodable under its own name. Names are part of the record format."""
    _registry[cls.__name__] = cls
    return cls


def encode(obj: Any) -> dict[str, Any]:
    """`{"type": class name, field: value ...}`; a field that equals its default is left out."""
    cls = type(obj)
    spec = _defaults.get(cls)
    if spec is None:
        spec = _defaults[cls] = tuple((f.name, _default(f)) for f in dataclasses.fields(cls))
    out: dict[str, Any] = {"type": cls.__name__}
    for name, default in spec:
        value = getattr(obj, name)
        if type(value) is type(default) and value == default:
            continue
        if isinstance(value, tuple):
            value = [encode(v) if dataclasses.is_dataclass(v) else v for v in value]
        out[name] = value
    return out


def decode(data: dict[str, Any]) -> Any:
    """The dataclass that `encode` made the dict from. Raises KeyError for an unknown type."""
    cls = _registry[data["type"]]
    nested = _nested.get(cls)
    if nested is None:
        nested = _nested[cls] = _tuples_of_dataclasses(cls)
    kwargs = {k: tuple(v) if isinstance(v, list) and k in _tuple_names(cls) else v for k, v in data.items() if k != "type"}
    for name in nested:
        if name in kwargs:
            kwargs[name] = tuple(decode(v) for v in kwargs[name])
    return cls(**kwargs)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return _NONE


_tuples: dict[type[Any], frozenset[str]] = {}


def _tuple_names(cls: type[Any]) -> frozenset[str]:
    names = _tuples.get(cls)
    if names is None:
        hints = typing.get_type_hints(cls)
        names = _tuples[cls] = frozenset(n for n, h in hints.items() if typing.get_origin(h) is tuple)
    return names


def _tuples_of_dataclasses(cls: type[Any]) -> tuple[str, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(n for n in _tuple_names(cls) if _holds_dataclass(typing.get_args(hints[n])[0]))


def _holds_dataclass(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint) or any(dataclasses.is_dataclass(a) for a in typing.get_args(hint))
