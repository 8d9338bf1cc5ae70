"""Context functions (DMN 1.5, clause 10.3.4.9)."""

from __future__ import annotations

from typing import Any

from engine.dmn.feel.functions.registry import Run, builtin
from engine.dmn.feel.values import FeelError, Value, as_list


@builtin("get value", "m:context, key:string")
def get_value(_run: Run, context: dict[str, Value], key: str) -> Value:
    return context.get(key)


@builtin("get value", "context:context, keys:list")
def get_value_by_path(_run: Run, context: dict[str, Value], keys: list[Value]) -> Value:
    value: Value = context
    if not keys:
        return None
    for key in keys:
        value = value.get(key) if isinstance(value, dict) and isinstance(key, str) else None
    return value


@builtin("get entries", "m:context")
def get_entries(_run: Run, context: dict[str, Value]) -> Value:
    return [{"key": key, "value": value} for key, value in context.items()]


@builtin("context", "entries:list")
def context(_run: Run, entries: list[Value]) -> Value:
    out: dict[str, Value] = {}
    for entry in entries:
        if not (isinstance(entry, dict) and "value" in entry and isinstance(entry.get("key"), str)) or entry["key"] in out:
            raise ValueError("an entry without key and value, or a key given twice")
        out[entry["key"]] = entry["value"]
    return out


@builtin("context put", "context:context, key:string, value:Any")
def context_put(_run: Run, source: dict[str, Value], key: str, value: Value) -> Value:
    return {**source, key: value}


@builtin("context put", "context:context, keys:list, value:Any")
def context_put_by_path(_run: Run, source: dict[str, Value], keys: list[Value], value: Value) -> Value:
    if not keys or not all(isinstance(key, str) for key in keys):
        raise ValueError("keys are no texts")
    return _put(source, keys, value)


def _put(source: Any, keys: list[str], value: Value) -> dict[str, Value]:
    if not isinstance(source, dict):
        raise FeelError("no context on the way")
    inner = value if len(keys) == 1 else _put(source.get(keys[0]), keys[1:], value)
    return {**source, keys[0]: inner}


@builtin("context merge", "contexts:list")
def context_merge(_run: Run, contexts: list[Value]) -> Value:
    out: dict[str, Value] = {}
    for one in as_list(contexts):
        if not isinstance(one, dict):
            raise FeelError("one is no context")
        out |= one
    return out
