"""Every engine that a test makes is verified and re-executed when it closes: the history of the whole test run is evidence too."""

from __future__ import annotations

import pytest

from engine.testing import EmbeddedEngine


@pytest.fixture(autouse=True)
def _history_holds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    leave = EmbeddedEngine.__exit__

    def check_then_leave(self, kind, exc, trace):
        if kind is None and "tampers" not in request.keywords:
            self.check()
        leave(self, kind, exc, trace)

    monkeypatch.setattr(EmbeddedEngine, "__exit__", check_then_leave)
