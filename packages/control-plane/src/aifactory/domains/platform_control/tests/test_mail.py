"""Mail through a real SMTP server: who is told what, in which words; refusals, dead letters, and being off."""

import email
import json
import socket
from collections.abc import Iterator
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from aifactory.domains.platform_control import facade
from aifactory.domains.platform_control.notifications.dispatcher import MAX_TRIES, RETRY_AFTER_SECONDS
from aifactory.events.billing import CreditExhausted, HoldExtensionFailed
from aifactory.events.provisioning import AllocationFailed, AllocationReleaseAnnounced
from aifactory.kernel.errors import Problem
from aifactory.kernel.pagination import Page
from aifactory.kernel.principal import Principal

OPERATOR = Principal("usr_op", "user", "operator")
FAILED = AllocationFailed("alloc_1", "prj_1", "no_capacity", "nothing free\r\nBcc: everybody@example.com")
ENDED = CreditExhausted("hold_1", "alloc_1", "prj_1", "2026-11-23T09:00:00Z")
LEAVING = AllocationReleaseAnnounced("alloc_1", "prj_1", "node_1", "2026-11-23T10:00:00Z", "new disks")
NOTICE = HoldExtensionFailed("hold_1", "alloc_1", "prj_1", "2026-11-23T09:00:00Z", "1.50", "EUR")


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MailServer:
    """What it was given, and what it answers instead of taking it."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], email.message.EmailMessage]] = []
        self.refusal = ""

    async def handle_DATA(self, server, session, envelope) -> str:
        if self.refusal:
            return self.refusal
        mail = email.message_from_bytes(envelope.content, policy=default)
        self.got.append((envelope.rcpt_tos, mail))
        return "250 taken"


@pytest.fixture
def mail_server(monkeypatch) -> Iterator[MailServer]:
    kept = MailServer()
    controller = Controller(kept, hostname="127.0.0.1", port=a_free_port())
    controller.start()
    port = controller.server.sockets[0].getsockname()[1]
    monkeypatch.setenv("AIF_SMTP_URL", f"smtp://127.0.0.1:{port}")
    monkeypatch.setenv("AIF_SMTP_SENDER", "factory@example.com")
    yield kept
    controller.stop(no_assert=True)


async def tell(tenants, kind, *recipients, tenant="tnt_a"):
    async with tenants.admin(tenant) as tx:
        return await facade.set_notification_preference(tx, kind, list(recipients))


async def states(tenants):
    async with tenants.admin() as tx:
        return await tx.all("select target_id, state, error from platform_control.deliveries order by target_id")


async def test_those_who_asked_are_told_each_once_in_plain_words(tenants, mail_server):
    await tell(tenants, "allocation_failed", "one@example.com", "two@example.com")
    await tenants.happened(FAILED)
    await tenants.told()
    await tenants.told()
    await tenants.sent()
    await tenants.sent(after_seconds=99_999)
    assert sorted(to[0] for to, _ in mail_server.got) == ["one@example.com", "two@example.com"]
    (_, mail) = mail_server.got[0]
    assert mail["Subject"] == "A launch failed: alloc_1"
    assert (mail.get_content_type(), mail["Bcc"], mail["Auto-Submitted"]) == ("text/plain", None, "auto-generated")
    assert "nothing free" in mail.get_content() and "costs nothing" in mail.get_content()


async def test_each_kind_has_its_words_and_the_id_stays_the_same(tenants, mail_server):
    for kind in ("credit_exhausted", "hold_extension_failed", "node_drain_notice"):
        await tell(tenants, kind, "one@example.com")
    await tenants.happened(NOTICE)
    await tenants.happened(ENDED)
    await tenants.happened(LEAVING)
    await tenants.told()
    mail_server.refusal = "451 later"
    await tenants.sent()
    assert {(state, error) for _, state, error in await states(tenants)} == {
        ("waiting", "the mail server answered 451 later")
    }
    mail_server.refusal = ""
    await tenants.sent(after_seconds=5)
    subjects = sorted(mail["Subject"] for _, mail in mail_server.got)
    assert [s.split(":")[0] for s in subjects] == ["Credit is running out", "Credit is used up", "Maintenance"]
    assert all(mail["Message-ID"].endswith("@example.com>") for _, mail in mail_server.got)


async def test_nobody_is_told_who_did_not_ask_and_no_other_tenant(tenants, mail_server):
    await tell(tenants, "credit_exhausted", "one@example.com")
    await tell(tenants, "allocation_failed", "other@example.com", tenant="tnt_b")
    await tenants.happened(FAILED)
    await tenants.told()
    assert await tenants.sent() == 0
    await tell(tenants, "credit_exhausted")
    await tenants.happened(ENDED)
    await tenants.told()
    assert (await tenants.sent(), mail_server.got) == (0, [])


async def test_what_the_mail_server_never_takes_becomes_a_dead_letter_that_operators_replay(
    tenants, mail_server, database
):
    await tell(tenants, "allocation_failed", "one@example.com")
    event_id = await tenants.happened(FAILED)
    await tenants.told()
    mail_server.refusal = "550 no such mailbox"
    await tenants.sent()
    for seconds in RETRY_AFTER_SECONDS:
        await tenants.sent(after_seconds=seconds)
    async with database.tx("operator", OPERATOR) as tx:
        (letter,) = (await facade.dead_letters(tx, "open", Page())).items
        assert (letter.event_id, letter.attempts) == (event_id, MAX_TRIES)
        assert letter.error.startswith("one@example.com: ") and "550" in letter.error
        await facade.replay_dead_letter(tx, letter.id)
    mail_server.refusal = ""
    await tenants.told()
    await tenants.sent()
    assert [to for to, _ in mail_server.got] == [["one@example.com"]]


async def test_without_a_mail_server_nothing_is_tried_and_it_says_so(tenants):
    shown = await tell(tenants, "allocation_failed", "one@example.com")
    assert (shown.mail_enabled, "no mail server" in shown.why) == (False, True)
    await tenants.happened(FAILED)
    await tenants.told()
    assert await tenants.sent() == 0
    assert await states(tenants) == [("one@example.com", "off", "mail is off: this installation has no mail server")]


@pytest.mark.parametrize(
    ("kind", "recipients", "field"),
    [
        ("weather", [], "kind"), ("allocation_failed", ["x"], "recipients"), ("allocation_failed", ["a@b"], "recipients"),
        ("allocation_failed", ["a@b.example\nBcc: c@d.example"], "recipients"), ("allocation_failed", ["<a@b.example>"], "recipients"),
        ("allocation_failed", [f"a{n}@b.example" for n in range(11)], "recipients"),
    ],
)  # fmt: skip
async def test_what_is_no_address_or_too_many_is_refused(tenants, kind, recipients, field):
    with pytest.raises(Problem) as refused:
        await tell(tenants, kind, *recipients)
    assert refused.value.field == field


async def test_encryption_is_required_unless_the_server_is_this_machine(monkeypatch, mail_server):
    from aifactory.domains.platform_control.adapters import smtp
    from aifactory.domains.platform_control.notifications import settings

    monkeypatch.setattr(smtp, "_is_loopback", lambda host: False)
    outcome = await smtp.send(settings.mail_server(), "one@example.com", "x", "x", "dlv_1")
    assert "STARTTLS" in outcome.error and mail_server.got == []


async def test_it_signs_in_with_the_password_of_the_file(monkeypatch, tmp_path):
    seen = []

    def authenticate(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"right")

    kept = MailServer()
    controller = Controller(
        kept,
        hostname="127.0.0.1",
        port=a_free_port(),
        authenticator=authenticate,
        auth_require_tls=False,
        auth_required=True,
    )
    controller.start()
    try:
        port = controller.server.sockets[0].getsockname()[1]
        (tmp_path / "pw").write_text("right\n")
        monkeypatch.setenv("AIF_SMTP_URL", f"smtp://factory@127.0.0.1:{port}")
        monkeypatch.setenv("AIF_SMTP_PASSWORD_FILE", str(tmp_path / "pw"))
        monkeypatch.setenv("AIF_SMTP_SENDER", "factory@example.com")
        from aifactory.domains.platform_control.adapters import smtp
        from aifactory.domains.platform_control.notifications import settings

        outcome = await smtp.send(settings.mail_server(), "one@example.com", "x", "x", "dlv_1")
    finally:
        controller.stop(no_assert=True)
    assert (outcome.error, len(kept.got)) == ("", 1), json.dumps([str(s) for s in seen])
