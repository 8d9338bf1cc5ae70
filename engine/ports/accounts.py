"""People: accounts, sessions, tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.model.views import TokenRow, UserRow


class Accounts(Protocol):
    def put(self, user: UserRow, password_hash: str | None) -> None: ...

    def get(self, user_id: str) -> UserRow | None: ...

    def password_hash(self, user_id: str) -> str | None: ...

    def members(self, groups: Sequence[str], user_ids: Sequence[str]) -> list[UserRow]:
        """Active accounts with an address that are in one of the groups or named; in order of their ids."""

    def end_sessions(self, user_id: str) -> None: ...

    def add_token(self, token: TokenRow, secret_hash: str) -> None: ...

    def drop_token(self, token_id: str, user_id: str) -> bool: ...
