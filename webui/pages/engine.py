"""The engine behind the current request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app

from engine.model.commands import Command
from webui.signin import current_actor

if TYPE_CHECKING:
    from engine.bootstrap import Flowledger


def flowledger() -> Flowledger:
    """The engine that `create_app` was given."""
    engine: Flowledger = current_app.extensions["flowledger"]
    return engine


def execute(command: Command, request_id: str | None = None) -> Any:
    """Carry out a command as the current actor."""
    return flowledger().execute(command, current_actor(), request_id)
