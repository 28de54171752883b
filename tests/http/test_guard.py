"""Which addresses may be called: public ones over https, at the very address that was checked."""

import datetime
import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from reconcile.http.errors import CustomerMustAct
from reconcile.http.guard import is_public
from reconcile.http.session import Limits, RemoteSession
from tests.http.origin import ok, serve


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1",
     "198.18.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fd00::1",
     "fec0::1", "ff02::1",
     "::ffff:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    ["http://psa.example", "ftp://psa.example", "file:///etc/passwd", "https://", "psa.example", "https://a@b.example",
     "https://psa.example:22", "https://psa.example:99999", "//psa.example", "https://[::1", "gopher://x"],
)  # fmt: skip
def test_addresses_that_are_refused_before_any_call(url: str) -> None:
    with pytest.raises(CustomerMustAct):
        RemoteSession(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "169.254.169.254",
        "[::ffff:7f00:1]",
    ],
)
def test_private_hosts_are_refused_in_every_spelling(limits: Limits, host: str) -> None:
    with pytest.raises(CustomerMustAct, match="No public address was found"):
        RemoteSession(f"https://{host}", limits=limits).get("x")


def test_an_unknown_name_reads_like_a_private_one(limits: Limits) -> None:
    with pytest.raises(CustomerMustAct, match="No public address was found"):
        RemoteSession("https://nobody.invalid", limits=limits).get("x")


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    _resolve_to(monkeypatch, ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(CustomerMustAct, match="No public address"):
        RemoteSession("https://psa.example", limits=limits).get("x")


def test_the_name_is_looked_up_once_per_connection(
    limits: Limits, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://psa.example:*"]
    lookups = _resolve_to(monkeypatch, ["127.0.0.1"])
    with serve(ok("[]")) as origin:
        RemoteSession(f"http://psa.example:{origin.port}", limits=limits).get("x")
    assert lookups == ["psa.example"]
    assert f"Host: psa.example:{origin.port}".encode() in origin.asked[0]


@pytest.mark.parametrize("entry", ["http://127.0.0.1:1", "https://127.0.0.1:*", "http://localhost:*", ""])
def test_the_list_is_exact(entry: str, settings: Settings) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = [entry]
    with pytest.raises(CustomerMustAct, match="must begin with https"):
        RemoteSession("http://127.0.0.1:2")


def test_tls_checks_the_name_of_the_url_and_the_ca_given(
    limits: Limits, monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["https://psa.example:*", "https://other.example:*"]
    _resolve_to(monkeypatch, ["127.0.0.1"])
    bundle, context = _certificate(tmp_path, "psa.example")
    names: list[str | None] = []
    context.sni_callback = lambda _sock, name, _ctx: names.append(name)
    with serve(ok("[]"), tls=context) as origin:
        right = f"https://psa.example:{origin.port}"
        assert RemoteSession(right, verify=str(bundle), limits=limits).get("x").json() == []
        assert RemoteSession(right, verify=False, limits=limits).get("x").json() == []
        for url, verify in ((right, True), (f"https://other.example:{origin.port}", str(bundle))):
            with pytest.raises(CustomerMustAct, match="certificate of") as caught:
                RemoteSession(url, verify=verify, limits=limits).write("POST", "x", json={})
            assert caught.value.unsent
    assert names[0] == "psa.example"


def _resolve_to(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> list[str]:
    """Let every name have these addresses; gives the list of names asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if _is_address(host):
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """Make a self-signed certificate for `host`; gives its file and a server context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = folder / "server.crt"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "server.key"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
