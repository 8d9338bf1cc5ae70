"""Logging in: passwords (argon2id), server-side sessions, API tokens. Only hashes of secrets are stored."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import NotAllowed, NotAvailable, NotFound
from engine.identity import policy
from engine.model.actors import Actor
from engine.model.values import UNKEEPABLE, sha256
from engine.model.views import UserRow
from engine.ports import Clock
from engine.store.database import Database
from engine.store.people import SqlAccounts

log = logging.getLogger("flowledger.accounts")

SESSION_HOURS = 12  # absolute
IDLE_HOURS = 2
_TOUCH_SECONDS = 60
TRUST_SECONDS = 2  # a token that was looked up is believed for so long; a change in this process counts at once
_TRUSTED = 10_000  # tokens remembered at most

_hasher = PasswordHasher()  # argon2id, RFC 9106 low-memory profile: 64 MiB, 3 passes


@cache
def _nobody() -> str:
    """A hash that is checked for unknown users, so that time tells nothing about who exists."""
    return _hasher.hash(secrets.token_hex(8))


def hash_password(password: str) -> str:
    """An argon2id hash with its own salt."""
    return _hasher.hash(password)


def verify_password(stored: str, password: str) -> bool:
    """Does the password belong to the hash?"""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


class AccountAccess:
    """From a secret to an actor."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._trusted: dict[str, tuple[datetime, Actor]] = {}

    def login(self, user_id: str, password: str) -> str:
        """A fresh session secret for the cookie. Raises NotAllowed, in the same words for a wrong name and a wrong password."""
        with self._database.begin(write=False) as connection:
            stored = None if UNKEEPABLE.search(user_id) else SqlAccounts(connection).password_hash(user_id)
        nobody = _nobody()  # also where it is not needed: the first login of a process takes as long for everybody
        if not verify_password(stored or nobody, password) or stored is None:
            raise NotAllowed("User name or password is not right.", actor=user_id, action="login")
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._database.begin(write=True) as connection:
            SqlAccounts(connection).open_session(sha256(secret.encode()), user_id, now, now + timedelta(hours=SESSION_HOURS))
        return secret

    def session(self, secret: str) -> Actor | None:
        """Whose session it is; None when it is over. Being used keeps it alive, up to its absolute end."""
        found = self.session_profile(secret)
        return policy.actor_of(found) if found else None

    def session_profile(self, secret: str) -> UserRow | None:
        """As `session`, with language and time zone."""
        now, key = self._clock.now(), sha256(secret.encode())
        with self._database.begin(write=False) as connection:
            accounts = SqlAccounts(connection)
            user = accounts.session_user(key, now, now - timedelta(hours=IDLE_HOURS))
            fresh = user is None or accounts.session_user(key, now, now - timedelta(seconds=_TOUCH_SECONDS)) is not None
        if not fresh:
            try:
                with self._database.begin(write=True) as connection:
                    SqlAccounts(connection).touch_session(key, now)
            except NotAvailable as exc:  # a full disk: reading goes on
                log.warning("a session was not prolonged: %s", type(exc).__name__)
        return user

    def logout(self, secret: str) -> None:
        """End this session."""
        with self._database.begin(write=True) as connection:
            SqlAccounts(connection).close_session(sha256(secret.encode()))

    def token(self, secret: str) -> Actor | None:
        """Whose API token it is; None when it is unknown, over, or its account disabled.

        Another process may see a revoked token or a changed account up to TRUST_SECONDS later: looking it up costs each request a way to the database.
        """
        key, now = sha256(secret.encode()), self._clock.now()
        known = self._trusted.get(key)
        if known is not None and timedelta(0) <= now - known[0] < timedelta(seconds=TRUST_SECONDS):
            return known[1]
        trusted = self._trusted  # `forget` puts another one in its place: what is looked up before is not remembered after
        with self._database.outside() as connection:
            user = SqlAccounts(connection).token_user(key, now)
        if user is None:
            trusted.pop(key, None)
            return None
        actor = policy.actor_of(user)
        if len(trusted) >= _TRUSTED:
            trusted.clear()
        trusted[key] = (now, actor)
        return actor

    def forget(self) -> None:
        """An account or token was changed: look everybody up again."""
        self._trusted = {}

    def profile(self, user_id: str) -> UserRow:
        """An account. Raises NotFound."""
        with self._database.begin(write=False) as connection:
            user = SqlAccounts(connection).get(user_id)
        if user is None:
            raise NotFound(kind="user", id=user_id)
        return user
