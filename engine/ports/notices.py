"""Telling people: what they are told, and the way to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person is told. `key` is the same for every attempt, so that whoever gets it twice can tell."""

    address: str
    subject: str
    text: str
    key: str


class Notifier(Protocol):
    """A way to people outside of the pages."""

    def send(self, notice: Notice) -> None:
        """Returns when it is on its way; whatever is raised is tried again later."""


@dataclass(frozen=True, slots=True)
class Notices:
    """`public_url`: where people reach the pages, without a slash at its end; "" when it is not known, and then no notice holds a link."""

    notifier: Notifier
    public_url: str = ""
