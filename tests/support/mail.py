"""A mail server on loopback that speaks enough SMTP to take messages, or refuse them, and shows what it got.

Its certificate (`untrusted.pem`, for 127.0.0.1, with its key) was signed by itself; SSL_CERT_FILE makes a client trust it.
"""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "untrusted.pem"


class MailServer(socketserver.ThreadingTCPServer):
    """`messages`: what was taken, in order; `refused`: what was not, while `refuse` holds an answer such as `451 later`.

    `greeting`: its first line, None: it stays silent. `encrypts`: it offers STARTTLS; `login`: user and password that it asks for.
    `sessions`: how many came.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages: list[EmailMessage] = []
        self.refused: list[EmailMessage] = []
        self.refuse: str | None = None
        self.greeting: str | None = "220 sink"
        self.encrypts = False
        self.login: tuple[str, str] | None = None
        self.sessions = 0

    @property
    def address(self) -> str:
        """As `engine.mail` takes it."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.sessions += 1
        if self.server.greeting:
            self._say(self.server.greeting)
        while line := self.rfile.readline():
            verb = line.split(None, 1)[0].upper() if line.strip() else b""
            if verb in (b"EHLO", b"HELO"):
                offers = ["STARTTLS"] * self.server.encrypts + ["AUTH PLAIN"] * bool(self.server.login)
                self._say("\r\n".join(["250-sink", *(f"250-{one}" for one in offers), "250 8BITMIME"]))
            elif verb == b"STARTTLS":
                self._say("220 go on")
                if not self._encrypted():
                    return
            elif verb == b"AUTH":
                given = base64.b64decode(line.split()[-1]).decode().split("\0")[1:]
                self._say("235 come in" if tuple(given) == self.server.login else "535 who are you?")
            elif verb == b"DATA":
                self._say("354 go on")
                refuse = self.server.refuse
                (self.server.refused if refuse else self.server.messages).append(self._message())
                self._say(refuse or "250 taken")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _encrypted(self) -> bool:
        """From here on. False: the client does not trust us."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:
            return False
        self.request = self.connection  # which is what the server closes
        self.setup()
        return True

    def _message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Running until the block ends."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
