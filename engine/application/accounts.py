"""Accounts, preferences, API tokens. Passwords and secrets never leave this module in the clear except the token just issued."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from zoneinfo import ZoneInfo

from engine.application.services import Services
from engine.errors import InvalidInput, LimitExceeded, NotAllowed, NotFound
from engine.identity import policy
from engine.model import commands as cmd
from engine.model.actors import NOTIFY, ROLES, Actor
from engine.model.values import key_text, sha256
from engine.model.views import TokenRow, UserRow
from engine.ports import UnitOfWork

LANGUAGES = ("zh", "en")
PASSWORD_CHARACTERS = (8, 200)
NAME_CHARACTERS = 128  # of a person, of a token
# Narrower than RFC 5322: nothing that would need quoting in a header, or could end one.
_ADDRESS = re.compile(r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def put_user(uow: UnitOfWork, services: Services, command: cmd.PutUser, actor: Actor, request_id: str | None = None) -> None:
    """Create or change an account: who only gives a new password takes nothing else away. Raises NotAllowed, InvalidInput."""
    policy.require(actor, "account.manage")
    if not command.user_id.isidentifier() or len(command.user_id) > 64:
        raise InvalidInput("A user id is 1 to 64 letters, digits and underscores and begins with a letter.")
    unknown = set(command.roles or ()) - set(ROLES)
    if unknown:
        raise InvalidInput(f"Unknown role: {', '.join(sorted(unknown))}")
    known = uow.accounts.get(command.user_id)
    if known is None and command.password is None:
        raise InvalidInput("A new account needs a password.")
    before = known or UserRow(command.user_id, command.user_id, ("staff",), (), active=True, language="zh", time_zone="Asia/Shanghai")
    given = {field: value for field in ("roles", "groups", "active", "language", "time_zone") if (value := getattr(command, field)) is not None}
    user = replace(before, **given)
    if command.name is not None:
        user = replace(user, name=key_text(command.name.strip() or user.id, "the name", NAME_CHARACTERS))
    _preferences(user.language, user.time_zone)
    user = _reached(user, before, command.email, command.notify)
    uow.accounts.put(user, _hashed(services, command.password) if command.password is not None else None)
    if command.password is not None:
        uow.accounts.end_sessions(user.id)


def set_preferences(uow: UnitOfWork, services: Services, command: cmd.SetPreferences, actor: Actor, request_id: str | None = None) -> None:
    """One's own language and time zone, and notices. Raises InvalidInput."""
    policy.require(actor, "account.own")
    _preferences(command.language, command.time_zone)
    own = _own(uow, actor)
    changed = replace(own, language=command.language, time_zone=command.time_zone)
    uow.accounts.put(_reached(changed, own, command.email, command.notify), None)


def change_password(uow: UnitOfWork, services: Services, command: cmd.ChangePassword, actor: Actor, request_id: str | None = None) -> None:
    """Needs the old password; ends every session. Raises NotAllowed, InvalidInput."""
    policy.require(actor, "account.own")
    stored = uow.accounts.password_hash(actor.id)
    if stored is None or not services.check_password(stored, command.old):
        raise NotAllowed("The old password is not right; nothing was changed.")
    uow.accounts.put(_own(uow, actor), _hashed(services, command.new))
    uow.accounts.end_sessions(actor.id)


def issue_token(uow: UnitOfWork, services: Services, command: cmd.IssueToken, actor: Actor, request_id: str | None = None) -> str:
    """A fresh secret for the API, shown once; only its hash is stored."""
    policy.require(actor, "account.own")
    label = command.label.strip()
    if not 1 <= len(label) <= NAME_CHARACTERS:
        raise InvalidInput("Name the token, so that you know later what uses it (1 to 128 characters).")
    key_text(label, "the name of the token", NAME_CHARACTERS)
    secret = f"flt_{secrets.token_urlsafe(32)}"
    row = TokenRow(services.identifiers.new(), actor.id, label, uow.now, command.expires, None)
    uow.accounts.add_token(row, sha256(secret.encode()))
    return secret


def revoke_token(uow: UnitOfWork, services: Services, command: cmd.RevokeToken, actor: Actor, request_id: str | None = None) -> None:
    """Raises NotFound for a token that is not the actor's."""
    policy.require(actor, "account.own")
    if not uow.accounts.drop_token(command.token_id, actor.id):
        raise NotFound(kind="token", id=command.token_id)


def _own(uow: UnitOfWork, actor: Actor) -> UserRow:
    user = uow.accounts.get(actor.id)
    if user is None:
        raise NotFound(kind="user", id=actor.id)
    return user


def _hashed(services: Services, password: str) -> str:
    low, high = PASSWORD_CHARACTERS
    if not low <= len(password) <= high:
        raise LimitExceeded(what="length of the password", value=len(password), limit=f"{low} to {high}")
    return services.hash_password(password)


def _reached(user: UserRow, known: UserRow, email: str | None, notify: str | None) -> UserRow:
    """With the address and the choice that are given, else with those that are known."""
    if email is not None and email.strip() and not _ADDRESS.fullmatch(email.strip()):
        raise InvalidInput("An e-mail address looks like name@example.com and has at most 254 characters.")
    if notify is not None and notify not in NOTIFY:
        raise InvalidInput(f"Notices: {', '.join(NOTIFY)}.")
    return replace(user, email=known.email if email is None else email.strip() or None, notify=known.notify if notify is None else notify)


def _preferences(language: str, time_zone: str) -> None:
    if language not in LANGUAGES:
        raise InvalidInput(f"Languages: {', '.join(LANGUAGES)}.")
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as exc:
        raise InvalidInput(f"Unknown time zone {time_zone}; use a name such as Asia/Shanghai.") from exc
