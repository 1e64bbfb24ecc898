"""Hands one mail to the operator's mail server."""

import asyncio
import smtplib
import ssl
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from ipaddress import ip_address
from time import perf_counter

from aifactory.domains.platform_control.notifications.settings import MailServer
from aifactory.domains.platform_control.store.deliveries import Outcome

SECONDS = 10.0


async def send(server: MailServer, to: str, subject: str, text: str, message_id: str) -> Outcome:
    """Never raises for what the server does; `error` says it. `message_id` stays the same however often it is sent."""
    began = perf_counter()
    mail = _mail(server, to, subject, text, message_id)
    code, error = await asyncio.to_thread(_hand_over, server, mail)
    return Outcome(error, code, round((perf_counter() - began) * 1000))


def _mail(server: MailServer, to: str, subject: str, text: str, message_id: str) -> EmailMessage:
    mail = EmailMessage()
    user, _, domain = server.sender.rpartition("@")
    mail["From"] = MailAddress("AI Factory", user, domain)
    mail["To"] = to
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


def _hand_over(server: MailServer, mail: EmailMessage) -> tuple[int | None, str]:
    try:
        with _connected(server) as client:
            if server.user:
                client.login(server.user, server.password)
            client.send_message(mail, from_addr=server.sender)
        return 250, ""
    except smtplib.SMTPRecipientsRefused as refused:
        code, words = next(iter(refused.recipients.values()))
        return code, f"the mail server refused the recipient: {code} {_text(words)}"
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code, f"the mail server answered {refused.smtp_code} {_text(refused.smtp_error)}"
    except (smtplib.SMTPException, OSError) as failure:
        return None, f"{type(failure).__name__}: {failure}"[:300]


def _connected(server: MailServer) -> smtplib.SMTP:
    """Encrypted and verified, except to loopback."""
    tls = ssl.create_default_context()
    if server.implicit_tls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=tls)
    client = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
    try:
        client.ehlo()
        if client.has_extn("starttls") or not _is_loopback(server.host):
            client.starttls(context=tls)
            client.ehlo()
    except BaseException:
        client.close()
        raise
    return client


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _text(words: bytes | str) -> str:
    return (words.decode(errors="replace") if isinstance(words, bytes) else words)[:200]
