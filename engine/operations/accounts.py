"""`flowledger user`: an account for somebody who cannot be given one on the pages yet, or cannot sign in any more."""

from __future__ import annotations

import os
from pathlib import Path

import click

from engine.console import data_option, database_option, opened
from engine.model.actors import SYSTEM
from engine.model.commands import PutUser


@click.command("user")
@data_option()
@database_option()
@click.option("--name", help="Default: the one that the account has; of a new one its id.")
@click.option("--role", "roles", multiple=True, help="Also several times; default: those that the account has; staff for a new one.")
@click.option("--group", "groups", multiple=True, help="Also several times, '' for none; default: those that the account has.")
@click.option("--active/--inactive", default=None, help="Who may not sign in any more; default: as it is.")
@click.argument("user_id")
def put_user(
    data: Path, database: str | None, name: str | None, roles: tuple[str, ...], groups: tuple[str, ...], active: bool | None, user_id: str
) -> None:
    """Create or change an account; the password is read from FLOWLEDGER_PASSWORD or asked for. What is not given stays as it is."""
    password = os.environ.get("FLOWLEDGER_PASSWORD") or click.prompt("password", hide_input=True, confirmation_prompt=True)
    given = tuple(group for group in groups if group) if groups else None
    with opened(data, database) as app:
        app.execute(PutUser(user_id, name, roles or None, given, password, active), SYSTEM)
        with app.reading() as read:
            [user] = [one for one in read.users(SYSTEM) if one.id == user_id]
    state = "" if user.active else "; it is not active: nobody can sign in with it (--active)"
    click.echo(f"{user_id} saved: {user.name}; roles: {', '.join(user.roles)}; groups: {', '.join(user.groups) or 'none'}{state}")
