"""Flowledger's engine: executes BPMN and keeps every instance as an append-only, replayable record.

It knows neither Flask nor any process pack. Start reading at `engine.model`, then `engine.ports`,
`engine.application`, `engine.bootstrap`.
"""

__version__ = "0.1.0"
