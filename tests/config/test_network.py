"""Which way a request goes out, for every form in which an environment says so."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from monitor.config import load
from monitor.errors import ConfigError
from monitor.http.network import Network, parse_proxy
from monitor.http.trust import TRUST_VARIABLES, trust

PROXY = "http://proxy.corp.example:3128"
VENDOR = "https://api.dev.runwayml.com"


@pytest.mark.parametrize(
    ("environ", "origin", "proxy"),
    [
        ({}, VENDOR, None),
        ({"HTTPS_PROXY": PROXY}, VENDOR, PROXY),
        ({"https_proxy": PROXY}, "wss://ws-api.runware.ai", PROXY),
        ({"HTTP_PROXY": PROXY}, VENDOR, None),
        ({"HTTP_PROXY": PROXY}, "http://vendor.example", PROXY),
        ({"HTTP_PROXY": PROXY}, "ws://vendor.example", PROXY),
        ({"ALL_PROXY": PROXY}, VENDOR, PROXY),
        ({"all_proxy": "http://other:1", "HTTPS_PROXY": PROXY}, VENDOR, PROXY),
        ({"https_proxy": "", "HTTPS_PROXY": PROXY}, VENDOR, None),
        ({"https_proxy": "proxy.corp.example:3128"}, VENDOR, PROXY),
        ({"HTTPS_PROXY": "http://user:secret@proxy.corp.example:3128/"}, VENDOR, PROXY),
    ],
)
def test_the_environment_names_the_proxy_by_scheme(environ: dict[str, str], origin: str, proxy: str | None) -> None:
    assert Network(environ).way(origin).proxy == proxy


@pytest.mark.parametrize(
    ("no_proxy", "origin", "direct"),
    [
        ("*", VENDOR, True),
        ("runwayml.com", VENDOR, True),
        (".runwayml.com", VENDOR, True),
        ("*.runwayml.com", VENDOR, True),
        ("RunwayML.com", VENDOR, True),
        ("api.dev.runwayml.com", VENDOR, True),
        ("a.example , runwayml.com", VENDOR, True),
        ("wayml.com", VENDOR, False),
        ("dev.runwayml.com.example", VENDOR, False),
        ("runwayml.com:443", VENDOR, True),
        ("runwayml.com:8443", VENDOR, False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.0.0.0/8", "https://ten.example", False),
        ("10.1.2.3", "https://10.1.2.3:8443", True),
        ("10.1.2.3:8443", "https://10.1.2.3:8443", True),
        ("10.1.2.3:8443", "https://10.1.2.3", False),
        ("2.3", "https://10.1.2.3", False),
        ("2001:db8::1", "https://[2001:db8::1]", True),
        ("2001:DB8:0::1", "https://[2001:db8::1]", True),
        ("[2001:db8::1]", "https://[2001:db8::1]:8443", True),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]", False),
        ("2001:db8::/32", "https://[2001:db8:1::1]", True),
        ("2001:db8::/32", "https://10.1.2.3", False),
        ("", VENDOR, False),
        (" , ,", VENDOR, False),
        ("::bad::, a:b:c, [, .", VENDOR, False),
    ],
)
def test_no_proxy_excepts_names_addresses_networks_and_ports(no_proxy: str, origin: str, *, direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        assert (Network({"ALL_PROXY": PROXY, name: no_proxy}).way(origin).proxy is None) is direct


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "vendor.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_this_machine_is_reached_directly_whatever_names_a_proxy(host: str) -> None:
    ways = Network({"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY})
    assert ways.way(f"http://{host}:8080").proxy is None
    assert ways.way(f"http://{host}:8080", SecretStr(PROXY)).proxy is None


def test_an_accounts_proxy_or_none_wins_over_the_environment() -> None:
    ways = Network({"HTTPS_PROXY": "http://other:1", "NO_PROXY": "*"})
    assert ways.way(VENDOR, SecretStr(PROXY)).proxy == PROXY
    assert Network({"HTTPS_PROXY": PROXY}).way(VENDOR, parse_proxy("none")).proxy is None


def test_credentials_go_to_the_proxy_alone_and_show_nowhere() -> None:
    way = Network({}).way(VENDOR, parse_proxy("http://us%40er:p%C3%A4ss@proxy:8080"))
    assert (way.proxy, way.proxy_headers) == ("http://proxy:8080", {"Proxy-Authorization": "Basic dXNAZXI6cMOkc3M="})
    assert "dXNA" not in repr(way)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "socks5://proxy:1080",
        "https://proxy:443",
        "http://",
        "http://proxy:99999",
        "http://proxy/path",
        "a b",
    ],
)
def test_what_is_no_http_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an HTTP proxy"):
        parse_proxy(text)


def config_with(folder: Path, *lines: str) -> Path:
    path = folder / "monitor.yml"
    account = ["accounts:", "  - name: a", "    provider: runway", "    api_key_env: KEY"]
    path.write_text("\n".join([*account, *(f"    {line}" for line in lines)]))
    return path


@pytest.mark.parametrize(
    ("lines", "environ", "fault"),
    [
        (
            ["proxy: 'socks5://u:s3cret-pass@p:1'"],
            {},
            "accounts[0].proxy: not an HTTP proxy; give http://HOST:PORT, or none",
        ),
        (
            [],
            {"ALL_PROXY": "socks5://u:s3cret-pass@p:1"},
            "accounts[0]: the environment's ALL_PROXY is not an HTTP proxy",
        ),
        (["ca_file: gone.pem"], {}, "accounts[0].ca_file: cannot read"),
        (["ca_file: monitor.yml"], {}, "accounts[0].ca_file: "),
    ],
)
def test_what_cannot_be_used_is_one_line_with_its_place_and_no_secret(
    tmp_path: Path, lines: list[str], environ: dict[str, str], fault: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(config_with(tmp_path, *lines), {"KEY": "key_x", **environ})
    [line] = raised.value.faults
    assert line.startswith(fault)
    assert "s3cret-pass" not in line


def test_an_environment_that_does_not_matter_is_no_fault(tmp_path: Path) -> None:
    environ = {"KEY": "key_x", "ALL_PROXY": "socks5://p:1", "HTTPS_PROXY": PROXY}
    assert load(config_with(tmp_path), environ).accounts[0].proxy is None
    assert load(config_with(tmp_path, "proxy: none"), {**environ, "HTTPS_PROXY": "socks5://p:1"}).accounts


def test_a_bundle_is_trusted_beside_the_systems_and_a_changed_one_changes_the_account(tmp_path: Path) -> None:
    for_systems = len(trust().get_ca_certs())
    path, bundle = config_with(tmp_path, "ca_file: ca.pem"), tmp_path / "ca.pem"
    accounts = []
    for _ in range(2):
        bundle.write_bytes(b"Comment\n" + b"".join(trustme.CA().cert_pem.bytes() for _ in range(2)))
        accounts += load(path, {"KEY": "key_x"}).accounts
    assert accounts[0] != accounts[1]
    assert len(Network({}).way(VENDOR, ca=accounts[0].ca).tls.get_ca_certs()) == for_systems + 2
    assert "CERTIFICATE" not in repr(accounts[0])


def test_where_the_system_trusts_nobody_the_installed_authorities_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = ssl.DefaultVerifyPaths(None, None, "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    for name in TRUST_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    trust.cache_clear()
    assert len(trust().get_ca_certs()) > 100
    monkeypatch.setenv("SSL_CERT_FILE", "/chosen/by/the/user.pem")
    trust.cache_clear()
    assert trust().get_ca_certs() == []
    trust.cache_clear()
