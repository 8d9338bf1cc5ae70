"""Types of FEEL and their conformance (DMN 1.5, clauses 10.3.2.7 and 10.3.2.9). Knows no item definitions: `engine.dmn.items` builds these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.dmn.feel.calendar import Date, DateTime, Months, Span, Time
from engine.dmn.feel.syntax import TypeName
from engine.dmn.feel.values import Function, Range, Value, kind


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """`name` is a simple type or list, range, context, function. `allowed` tells whether a conforming value is one of the allowed ones."""

    name: str
    item: Type | None = None
    members: Mapping[str, Type] = field(default_factory=dict)
    parameters: tuple[Type, ...] | None = None
    allowed: Callable[[Value], bool] | None = None

    constrained: bool = field(init=False)
    """Whether allowed values must be tested somewhere inside a value; known once, since types share their parts."""

    def __post_init__(self) -> None:
        parts = (*self.members.values(), *([self.item] if self.item is not None else []))
        object.__setattr__(self, "constrained", self.allowed is not None or any(part.constrained for part in parts))


ANY = Type("Any")
SIMPLE = {
    name: Type(name)
    for name in (
        "number",
        "string",
        "boolean",
        "date",
        "time",
        "date and time",
        "days and time duration",
        "years and months duration",
        "Null",
    )
}
SIMPLE |= {
    "Any": ANY,
    "any": ANY,
    "dateTime": SIMPLE["date and time"],
    "dayTimeDuration": SIMPLE["days and time duration"],
    "yearMonthDuration": SIMPLE["years and months duration"],
    "integer": SIMPLE["number"],
    "long": SIMPLE["number"],
    "double": SIMPLE["number"],
    "context": Type("context"),
    "list": Type("list", ANY),
    "range": Type("range"),
    "function": Type("function"),
    "duration": Type("duration"),
}


def resolve(written: TypeName, declared: Mapping[str, Type]) -> Type | None:
    """The type that a text names; None when unknown."""
    if written.parts or written.name == "context":
        parts = [resolve(part, declared) for part in written.parts]
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        if written.name == "context":
            return Type("context", members=dict(zip(written.members, known, strict=True)))
        if written.name == "function":
            return Type("function", item=known[-1], parameters=tuple(known[:-1]))
        return Type(written.name, item=known[0])
    return declared.get(written.name) or SIMPLE.get(written.name)


def conforms(value: Value, of: Type, *, constrained: bool = True) -> bool:
    """Whether a value belongs to a type; null belongs to all. `constrained`: allowed values count."""
    if value is None:
        return True
    fits = of.name == "Any" or _of_kind(value, of, constrained)
    return fits and (of.allowed is None or not constrained or of.allowed(value))


def _of_kind(value: Value, of: Type, constrained: bool) -> bool:
    def fits(part: Value, part_type: Type) -> bool:
        return conforms(part, part_type, constrained=constrained)

    if of.name == "list":
        return isinstance(value, list) and (of.item is None or all(fits(item, of.item) for item in value))
    if of.name == "context":
        return isinstance(value, dict) and all(name in value and fits(value[name], member) for name, member in of.members.items())
    if of.name == "range":
        return isinstance(value, Range) and (of.item is None or all(fits(bound, of.item) for bound in (value.low, value.high)))
    if of.name == "function":
        return isinstance(value, Function) and (of.parameters is None or len(of.parameters) == len(value.parameters))
    if of.name == "duration":
        return isinstance(value, Months | Span)
    return kind(value) == of.name


def instance_of(value: Value, of: Type) -> bool:
    """The operator `instance of`: null is an instance of Null alone; allowed values do not count."""
    return of.name == "Null" if value is None else of.name != "Null" and conforms(value, of, constrained=False)


def coerced(value: Value, of: Type) -> Value:
    """The value as that type: lists of one unwrapped, single values wrapped, a date as a date and time; null when it does not conform."""
    if value is None or conforms(value, of):
        return value
    if isinstance(value, list) and len(value) == 1 and of.name != "list" and conforms(value[0], of):
        return value[0]
    if of.name == "list" and not isinstance(value, list) and of.item is not None and conforms(value, of.item):
        wrapped = [value]
        return wrapped if of.allowed is None or of.allowed(wrapped) else None
    if of.name == "date and time" and isinstance(value, Date):
        return DateTime(value, Time(0, 0))
    return None
