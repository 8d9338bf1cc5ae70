"""API tokens: believed for two seconds after a look-up, and not a moment longer where the change is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.actors import SYSTEM, Actor
from engine.model.commands import IssueToken, PutUser, RevokeToken
from engine.store.login import TRUST_SECONDS

LI = Actor("li", "李", frozenset({"clerks"}), frozenset({"staff"}))
PERSON = PutUser("li", "李", ("staff",), ("clerks",), "a long enough password")


@pytest.fixture
def secret(nodes):
    one, _ = nodes
    one.app.execute(PERSON, SYSTEM)
    return one.app.execute(IssueToken("t"), LI)


def test_a_revoked_token_is_refused_at_once_here_and_soon_elsewhere(nodes, secret):
    one, two = nodes
    assert one.app.accounts.token(secret) == two.app.accounts.token(secret) == LI
    with one.app.reading() as read:
        [token] = read.tokens(LI)
    one.app.execute(RevokeToken(token.id), LI)
    assert one.app.accounts.token(secret) is None
    two.advance(seconds=TRUST_SECONDS)
    assert two.app.accounts.token(secret) is None


@pytest.mark.parametrize("changed", [replace(PERSON, groups=("others",)), replace(PERSON, active=False)])
def test_a_changed_account_counts_with_the_next_request(nodes, secret, changed):
    one, two = nodes
    assert one.app.accounts.token(secret) == two.app.accounts.token(secret) == LI
    one.app.execute(changed, SYSTEM)
    now = one.app.accounts.token(secret)
    assert now is None if changed.active is False else now.groups == frozenset({"others"})
    two.advance(seconds=TRUST_SECONDS)
    assert two.app.accounts.token(secret) == now


def test_what_is_no_token_is_looked_up_every_time(nodes, secret):
    one, _ = nodes
    assert one.app.accounts.token("wrong") is None
    assert one.app.accounts.token(secret + "x") is None
    assert one.app.accounts.token(secret) == LI
