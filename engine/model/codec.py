"""Dataclasses to plain JSON and back, by the class name under the key `type`."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, TypeVar

T = TypeVar("T")

_registry: dict[str, type[Any]] = {}
_defaults: dict[type[Any], tuple[tuple[str, Any], ...]] = {}
_shapes: dict[str, tuple[type[Any], tuple[tuple[str, bool], ...]]] = {}
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
        if value is default or (type(value) is type(default) and value == default):
            continue
        if type(value) is tuple:
            value = [encode(v) if dataclasses.is_dataclass(v) else v for v in value]
        out[name] = value
    return out


def decode(data: dict[str, Any]) -> Any:
    """The dataclass that `encode` made the dict from. Raises KeyError for an unknown type."""
    kwargs = dict(data)
    kind = kwargs.pop("type")
    shape = _shapes.get(kind)
    if shape is None:
        shape = _shapes[kind] = _registry[kind], _tuple_fields(_registry[kind])
    cls, tuples = shape
    for name, nested in tuples:
        value = kwargs.get(name)
        if isinstance(value, list):
            kwargs[name] = tuple([decode(v) for v in value] if nested else value)
    return cls(**kwargs)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return _NONE


def _tuple_fields(cls: type[Any]) -> tuple[tuple[str, bool], ...]:
    """Fields that hold tuples, and whether of dataclasses."""
    hints = ((name, hint) for name, hint in typing.get_type_hints(cls).items() if typing.get_origin(hint) is tuple)
    return tuple((name, _holds_dataclass(typing.get_args(hint)[0])) for name, hint in hints)


def _holds_dataclass(hint: Any) -> bool:
    return dataclasses.is_dataclass(hint) or any(dataclasses.is_dataclass(a) for a in typing.get_args(hint))
