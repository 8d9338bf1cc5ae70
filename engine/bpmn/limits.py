"""Bounds that keep one hostile diagram from slowing other instances; each ends in a refusal or an incident, never in a hang."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Steps are executed flow nodes and evaluated expressions, events what the record will say; `elements` and `nesting` count what is open in one instance at one time.

    What one command may do is measured so that it ends well within a second and takes a few dozen megabytes.
    """

    steps: int = 12_000  # per command
    events: int = 60_000  # per command
    value_bytes: int = 8 * 1024 * 1024  # of the values in the events of one command
    elements: int = 25_000
    cardinality: int = 100_000  # of one multi-instance activity
    chain: int = 1_000  # of messages and signals that lead to each other (`engine.model.chains`)
    nesting: int = 100  # subprocesses and calls inside each other
    file_bytes: int = 5 * 1024 * 1024
    xml_depth: int = 256
    file_elements: int = 8_000  # XML elements of BPMN's own namespace
    expressions: int = 1_500  # that differ, of one deployment
