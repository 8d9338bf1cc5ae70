"""Sends notices as e-mail: the adapter of the port Notifier to a mail server (SMTP). What is told to whom is none of its business."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as LINES
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from engine.errors import InvalidInput
from engine.ports import Notice

TIMEOUT_SECONDS = 20.0
SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_WRITTEN = (
    "The port of the mail server is a number from 1 to 65535. In its user and password write characters other than letters and digits "
    "percent-encoded: @ as %40, : as %3A, / as %2F, # as %23."
)
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class SmtpNotifier:
    """`address`: `smtp://host:port` (in the clear), `smtp+starttls://user:password@host:587`, `smtps://user:password@host`; user and password
    percent-encoded. `sender`: `name@example.com` or `Flowledger <name@example.com>`. Certificates are checked. Safe for threads: one connection a notice.

    Raises InvalidInput for an address that is none, and for a password that would be sent in the clear to another machine.
    """

    def __init__(self, address: str, sender: str, now: Callable[[], datetime]) -> None:
        written = f"The mail server is given as one of {', '.join(f'{one}://host:port' for one in SCHEMES)}."
        if not address.startswith(tuple(f"{one}://" for one in SCHEMES)):
            raise InvalidInput(written)
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:  # it repeats a part of what it was given, which may be of a password
            raise InvalidInput(_WRITTEN) from None
        if parts.path.strip("/") or parts.query or parts.fragment:  # `user:12/3@host`: a part of a password, too
            raise InvalidInput(_WRITTEN)
        if not parts.hostname:
            raise InvalidInput(written)
        if parts.password and parts.scheme == "smtp" and parts.hostname not in _HERE:
            raise InvalidInput("The password of the mail server would be sent in the clear; use smtps:// or smtp+starttls://.")
        if "@" not in parseaddr(sender)[1] or not sender.isprintable():
            raise InvalidInput("Name the sender of notices: --mail-from 'Flowledger <name@example.com>'.")
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, port or SCHEMES[parts.scheme]
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._sender = sender
        self._now = now

    @property
    def server(self) -> str:
        """`host:port`, for people: never with the password."""
        return f"{self._host}:{self._port}"

    def send(self, notice: Notice) -> None:
        """Raises OSError, smtplib.SMTPException: not taken by the server."""
        message = self._message(notice)
        with self._greeted(TIMEOUT_SECONDS) as server:
            server.send_message(message)

    def greet(self, timeout: float) -> None:
        """Connect, greet, encrypt and log in as `send` does, and send nothing. `timeout` in seconds, for each step. Raises as `send`, UnicodeError."""
        with self._greeted(timeout):
            pass

    @contextmanager
    def _greeted(self, timeout: float) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        opened: smtplib.SMTP
        if self._scheme == "smtps":
            opened = smtplib.SMTP_SSL(self._host, self._port, timeout=timeout, context=context)
        else:
            opened = smtplib.SMTP(self._host, self._port, timeout=timeout)
        with opened as server:
            if self._scheme == "smtp+starttls":
                server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
            if self._login is not None:
                server.login(*self._login)
            yield server

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage(policy=LINES)
        message["From"] = self._sender
        message["To"] = notice.address
        message["Subject"] = notice.subject
        message["Date"] = format_datetime(self._now())
        # The same for each attempt: a server or reader that got it twice can tell.
        domain = parseaddr(self._sender)[1].rpartition("@")[2]
        message["Message-ID"] = f"<{hashlib.sha256(notice.key.encode()).hexdigest()[:32]}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers of machines
        message.set_content(notice.text, charset="utf-8")
        return message
