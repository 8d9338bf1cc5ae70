"""Pages for people, one module per noun. A view builds a command or a query, executes it, renders; it decides nothing."""

from __future__ import annotations

from webui.pages import account, health, home

BLUEPRINTS = (health.blueprint, home.blueprint, account.blueprint)
