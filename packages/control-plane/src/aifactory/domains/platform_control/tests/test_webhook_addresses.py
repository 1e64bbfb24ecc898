"""A tenant chooses where we connect to: nothing inside our networks may be reached, however it is written."""

import datetime
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aifactory.domains.platform_control.adapters import webhook_http
from aifactory.domains.platform_control.notifications.addresses import check_url, may_reach
from aifactory.kernel.errors import Problem

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
    "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_not_reached(address):
    assert not may_reach(ipaddress.ip_address(address), ())


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is_public_is_reached(address):
    assert may_reach(ipaddress.ip_address(address), ())


def test_the_operators_list_opens_what_it_names_and_no_more():
    allowed = (ipaddress.ip_network("10.9.0.0/16"),)
    assert may_reach(ipaddress.ip_address("10.9.1.1"), allowed)
    assert may_reach(ipaddress.ip_address("::ffff:10.9.1.1"), allowed)
    assert not may_reach(ipaddress.ip_address("10.8.1.1"), allowed)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "https://", "https:///x", "//hooks.example.com", "x",
        "https://user:pw@hooks.example.com/", "https://hooks.example.com/#x", "https://hooks.example.com:22/",
        "https://hooks.example.com:99999/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data", "https://hooks.example.com\\@127.0.0.1/", "https://ho oks.example.com/",
        "https://[fe80::1%25eth0]/", "https://" + "a" * 2000,
    ],
)  # fmt: skip
def test_an_address_that_can_be_judged_by_its_text_is_refused_when_the_webhook_is_made(url):
    with pytest.raises(Problem) as refused:
        check_url(url, ())
    assert (refused.value.status, refused.value.code, refused.value.field) == (422, "address_not_allowed", "url")


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.0.0.1", "127.1", "0"])
async def test_a_name_that_leads_inside_is_refused_when_it_is_sent(host, monkeypatch, a_receiver):
    receiver = a_receiver()
    monkeypatch.setenv("AIF_WEBHOOK_ALLOWED_NETWORKS", "192.0.2.0/24")
    outcome = await webhook_http.post(receiver.url.replace("127.0.0.1", host), {}, b"{}")
    assert outcome.error and outcome.response_code is None
    assert receiver.got == []


async def test_a_name_with_one_foot_inside_is_refused(monkeypatch, a_receiver):
    receiver = a_receiver()

    async def both(*arguments, **options):
        return [(2, 1, 6, "", ("127.0.0.1", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", both)
    outcome = await webhook_http.post(receiver.url.replace("127.0.0.1", "two-faced.example"), {}, b"{}")
    assert "must not reach" in outcome.error and receiver.got == []


async def test_the_address_that_was_judged_is_the_one_that_is_connected_to(monkeypatch, a_receiver):
    """A name server that answers differently the second time (DNS rebinding) finds that nobody asks a second time."""
    receiver, asked = a_receiver(), []

    async def once(loop, host, *arguments, **options):
        asked.append(host.decode() if isinstance(host, bytes) else host)
        return [(2, 1, 6, "", ("127.0.0.1", 80))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", once)
    outcome = await webhook_http.post(receiver.url.replace("127.0.0.1", "hooks.example.com"), {}, b"{}")
    assert (outcome.error, [host for host in asked if host == "hooks.example.com"]) == ("", ["hooks.example.com"])
    assert receiver.got[0].headers["host"].startswith("hooks.example.com:")


async def test_redirects_are_not_followed(a_receiver):
    inner = a_receiver()
    outer = a_receiver(answers=[307], location=inner.url)
    outcome = await webhook_http.post(outer.url, {}, b"{}")
    assert (outcome.response_code, "redirects are not followed" in outcome.error) == (307, True)
    assert inner.got == []


async def test_a_receiver_that_does_not_answer_is_given_up_in_time(monkeypatch, a_receiver):
    monkeypatch.setattr(webhook_http, "TOTAL_SECONDS", 0.3)
    outcome = await webhook_http.post(a_receiver(delay_seconds=3).url, {}, b"{}")
    assert "no answer within" in outcome.error and outcome.latency_ms < 2_500


def _certificate(name: str, folder):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(
    ("certified", "trusted", "taken"),
    [("localhost", True, True), ("localhost", False, False), ("other.example", True, False)],
)
async def test_tls_is_verified_for_the_name(certified, trusted, taken, tmp_path, monkeypatch):
    cert, key = _certificate(certified, tmp_path)
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *arguments: None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("AIF_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8,::1/128")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    webhook_http._tls.cache_clear()
    try:
        outcome = await webhook_http.post(f"https://localhost:{server.server_address[1]}/", {}, b"secret")
    finally:
        webhook_http._tls.cache_clear()
        server.shutdown()
        server.server_close()
    assert (outcome.error == "", got == [b"secret"]) == (taken, taken), outcome
