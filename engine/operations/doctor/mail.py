"""Checks the mail server that is named: is it there, is it who it says, does it let us in. No mail is sent."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator

from engine.bootstrap import Settings, SystemClock
from engine.errors import InvalidInput
from engine.mail import SmtpNotifier
from engine.model.findings import Finding, fault, fine

TIMEOUT_SECONDS = 5.0  # for each step; who runs this waits for it

Texts = tuple[str, str]


def server(settings: Settings) -> Iterator[Finding]:
    """Greets it as a notice would. Without `--smtp` (or FLOWLEDGER_SMTP) there is nothing to ask."""
    if not settings.smtp:
        yield fine("mail", "没有指定邮件服务器（--smtp），不发送邮件。", "No mail server is named (--smtp); no e-mails are sent.")
        return
    try:
        notifier = SmtpNotifier(settings.smtp, settings.mail_from, SystemClock().now)
    except InvalidInput as exc:
        advice = ("改正 --smtp、--mail-from（或环境变量 FLOWLEDGER_SMTP、FLOWLEDGER_MAIL_FROM）。",
                  "Correct --smtp and --mail-from (or FLOWLEDGER_SMTP, FLOWLEDGER_MAIL_FROM in the environment).")  # fmt: skip
        yield fault("mail", (f"邮件设置不能使用：{exc}", f"The settings for e-mails cannot be used: {exc}"), advice)
        return
    try:
        notifier.greet(TIMEOUT_SECONDS)
    except (OSError, UnicodeError) as exc:  # smtplib's and ssl's are such
        (zh, en), advice = _trouble(exc)
        yield fault("mail", (f"邮件服务器 {notifier.server}：{zh}", f"The mail server {notifier.server}: {en}"), advice)
        return
    yield fine("mail", f"邮件服务器 {notifier.server} 可以使用。", f"The mail server {notifier.server} takes our mails.")


def _trouble(exc: Exception) -> tuple[Texts, Texts]:
    """What is wrong, and what to do."""
    if isinstance(exc, smtplib.SMTPServerDisconnected) and isinstance(exc.__context__, OSError):
        exc = exc.__context__  # smtplib tells a connection that went silent or broke as one that the server closed
    kind = "starttls" if isinstance(exc, smtplib.SMTPNotSupportedError) and "STARTTLS" in str(exc) else None
    found, advice = next(
        (found, advice) for wanted, found, advice in _TROUBLES if wanted == kind or (isinstance(wanted, type) and isinstance(exc, wanted))
    )
    cause = _cause(exc)
    return (found[0].format(cause), found[1].format(cause)), advice


def _cause(exc: Exception) -> str:
    """In the words of whoever found it."""
    match exc:
        case smtplib.SMTPResponseException():
            said = exc.smtp_error
            return f"{exc.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
        case ssl.SSLCertVerificationError():
            return exc.verify_message
        case OSError(strerror=str(told)):
            return told
        case _:
            return str(exc) or type(exc).__name__


#: (what is raised, what is wrong, what to do); the first that fits
_TROUBLES: tuple[tuple[type[Exception] | str, Texts, Texts], ...] = (
    (
        UnicodeError,  # its message would show a piece of the password
        ("主机名、用户名或密码含有不能使用的字符。", "the host, the user or the password holds characters that cannot be used."),
        ("只使用 ASCII 字符；检查主机名。", "Use ASCII characters only; look at the host's name."),
    ),
    (
        smtplib.SMTPAuthenticationError,
        ("不接受用户名和密码（{}）。", "it does not accept the user and the password ({})."),
        ("检查用户名和密码；特殊字符要用百分号编码（@ 写作 %40）。", "Look at both; special characters are percent-encoded (@ is %40)."),
    ),
    (
        "starttls",
        ("不支持加密（STARTTLS）。", "it offers no encryption (STARTTLS)."),
        (
            "若端口一开始就加密（通常 465），用 smtps://；本机的服务器可用 smtp://。",
            "Where the port is encrypted from the start (mostly 465) use smtps://; for a server on this machine smtp:// will do.",
        ),
    ),
    (
        smtplib.SMTPNotSupportedError,
        ("不支持登录。", "it offers no login."),
        (
            "用 smtp+starttls:// 或 smtps://（许多服务器加密后才允许登录），或去掉用户名和密码。",
            "Use smtp+starttls:// or smtps:// (many offer it only when encrypted), or leave out user and password.",
        ),
    ),
    (
        smtplib.SMTPException,
        ("不接受连接：{}。", "it does not accept us: {}."),
        (
            "确认主机和端口是邮件服务器的；请其管理员允许这台机器发送邮件。",
            "See that host and port are those of a mail server; ask its administrator to let this machine send mails.",
        ),
    ),
    (
        ssl.SSLCertVerificationError,
        ("证书不能验证：{}。", "its certificate cannot be verified: {}."),
        (
            "用证书上的主机名；自己的证书颁发机构要加入系统（或环境变量 SSL_CERT_FILE）；过期的证书要更新。",
            "Use the host's name in the certificate; put an authority of your own into the system (or SSL_CERT_FILE); renew one that has expired.",
        ),
    ),
    (
        ssl.SSLError,
        ("不能加密：{}。", "the connection cannot be encrypted: {}."),
        (
            "smtps:// 用于一开始就加密的端口（通常 465），smtp+starttls:// 用于其他端口（通常 587）。",
            "smtps:// is for ports that are encrypted from the start (mostly 465), smtp+starttls:// for others (mostly 587).",
        ),
    ),
    (
        socket.gaierror,
        ("找不到这个主机名（{}）。", "there is no host of this name ({})."),
        ("检查 --smtp 中的主机名，以及这台机器的 DNS。", "Look at the host's name in --smtp, and at the DNS of this machine."),
    ),
    (
        TimeoutError,
        ("不回答（{}）。", "it does not answer ({})."),
        ("检查主机、端口和防火墙；端口 465 要用 smtps://。", "Look at host, port and firewalls; port 465 wants smtps://."),
    ),
    (
        OSError,
        ("不能连接：{}。", "it cannot be reached: {}."),
        (
            "确认邮件服务器正在运行，主机、端口正确，防火墙允许连接。",
            "See that it runs, that host and port are right, and that no firewall stands between.",
        ),
    ),
)
