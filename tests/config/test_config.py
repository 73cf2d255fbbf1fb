from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.config import Account, Address, Capacity, Config, FollowUp, GatewayConfig, Retention, load
from monitor.config import files as config_files
from monitor.config import keys as config_keys
from monitor.errors import ConfigError

KEY = "key_" + "0123456789abcdef" * 8
ENVIRON = {"RUNWAYML_API_SECRET": KEY, "PATH": os.environ["PATH"]}
BAD = sorted((Path(__file__).parent / "bad").glob("*.yml"))
EXAMPLE = Path(__file__).parents[2] / "monitor.example.yml"


def write(folder: Path, text: str) -> Path:
    path = folder / "monitor.yml"
    path.write_text(text, encoding="utf-8")
    return path


def one_account(folder: Path, source: str) -> Config:
    return load(write(folder, f"accounts: [{{name: production, provider: runway, {source}}}]"), ENVIRON)


def faults_of(path: Path | None, environ: dict[str, str] = ENVIRON) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return caught.value.faults


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_fault_of_a_bad_file_is_told_at_once_in_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)

    assert "\n".join(faults_of(Path(path.name))) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_no_fault_repeats_a_secret() -> None:
    told = "\n".join(line for path in BAD for line in faults_of(path))

    assert not [secret for secret in ("key_0123456789abcdef", "key_leaked", "hunter2") if secret in told]


def test_the_environment_alone_makes_an_account_with_the_providers_defaults() -> None:
    config = load(None, ENVIRON)

    assert [(a.name, a.provider, a.base_url) for a in config.accounts] == [
        ("runway", "runway", "https://api.dev.runwayml.com")
    ]
    assert config.accounts[0].api_key.get_secret_value() == KEY
    assert (config.listen, config.gateway) == (Address("127.0.0.1", 10190), GatewayConfig())
    assert (config.store, config.evaluate_interval, config.retention) == (None, 5.0, Retention())


def test_each_providers_variable_makes_an_account_of_its_name() -> None:
    config = load(None, ENVIRON | {"RUNWARE_API_KEY": "f" * 32})
    assert [(each.name, each.base_url, each.ws_url) for each in config.accounts] == [
        ("runway", "https://api.dev.runwayml.com", ""),
        ("runware", "https://api.runware.ai", "wss://ws-api.runware.ai"),
    ]


@pytest.mark.parametrize(
    ("urls", "there"),
    [
        ("{}", "wss://ws-api.runware.ai"),
        ("{base_url: http://127.0.0.1:8080}", "ws://127.0.0.1:8080"),
        ("{base_url: https://runware.example}", "wss://runware.example"),
        ("{base_url: http://a.example, ws_url: ws://b.example:81/}", "ws://b.example:81"),
    ],
)
def test_sockets_go_where_they_are_told_or_beside_a_base_url_of_ones_own(urls: str, there: str, tmp_path: Path) -> None:
    path = tmp_path / "monitor.yml"
    path.write_text(f"accounts: [{{<<: {urls}, name: a, provider: runware, api_key_env: RUNWAYML_API_SECRET}}]")
    assert load(path, ENVIRON).accounts[0].ws_url == there


@pytest.mark.parametrize(
    ("provider", "url", "fault"),
    [
        ("runway", "wss://a.example", "accounts[0].ws_url: runway has no WebSocket to pass on; leave it out"),
        (
            "runware",
            "https://a.example",
            "accounts[0].ws_url: not an origin; give scheme and host without a path, such as wss://api.example.com",
        ),
    ],
)
def test_a_socket_origin_that_cannot_be_used_is_told(provider: str, url: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "monitor.yml"
    path.write_text(f"accounts: [{{name: a, provider: {provider}, api_key_env: RUNWAYML_API_SECRET, ws_url: '{url}'}}]")
    assert faults_of(path) == (fault,)


@pytest.mark.parametrize("nothing", ["", "null", "~", "Null"])
def test_a_store_may_be_left_to_the_platform(tmp_path: Path, nothing: str) -> None:
    assert load(write(tmp_path, f"store: {nothing}"), ENVIRON).store is None


def test_a_file_without_accounts_takes_them_from_the_environment(tmp_path: Path) -> None:
    config = load(write(tmp_path, "listen: 127.0.0.1:0"), ENVIRON)

    assert [account.name for account in config.accounts] == ["runway"]
    assert config.listen == Address("127.0.0.1", 0)


@pytest.mark.parametrize("environ", [{}, {"RUNWAYML_API_SECRET": ""}])
def test_without_any_account_the_message_says_what_to_set(environ: dict[str, str]) -> None:
    assert faults_of(None, environ) == (
        "accounts: none; set RUNWAYML_API_SECRET or RUNWARE_API_KEY, or list accounts in a file, given with --config",
    )


def test_a_broken_key_in_the_environment_is_told_by_its_variable() -> None:
    assert faults_of(None, {"RUNWAYML_API_SECRET": "key_a key_b"}) == (
        "RUNWAYML_API_SECRET: the key has white space inside; put the API key there and nothing else",
    )


def test_every_setting_reaches_its_value(tmp_path: Path) -> None:
    text = """
listen: "[::1]:1"
gateway: {listen: localhost:2, timeout: 90s, connect_timeout: 500ms}
store: postgresql://monitor:secret@db/monitor
evaluate_interval: 250ms
retention: {tasks: 2d}
accounts:
  - name: production
    provider: runway
    api_key_env: RUNWAYML_API_SECRET
    base_url: http://127.0.0.1:8080/
    poll_interval: 1.5m
    max_models: 7
    capacity: {window: 10m, min_samples: 50}
    follow_up: {silence: 20s, orphaned: 2m, interval: 6s, requests_per_minute: 30}
"""
    config = load(write(tmp_path, text), ENVIRON)

    follow_up = FollowUp(silence=20.0, orphaned=120.0, interval=6.0, requests_per_minute=30)
    account = Account(
        name="production",
        provider="runway",
        api_key=config.accounts[0].api_key,
        base_url="http://127.0.0.1:8080",
        poll_interval=90.0,
        max_models=7,
        capacity=Capacity(window=600.0, min_samples=50),
        follow_up=follow_up,
    )
    assert config == Config(
        listen=Address("::1", 1),
        gateway=GatewayConfig(listen=Address("localhost", 2), timeout=90.0, connect_timeout=0.5),
        store="postgresql://monitor:secret@db/monitor",
        evaluate_interval=0.25,
        retention=Retention(tasks=172800.0),
        accounts=(account,),
    )


def test_merge_keys_share_settings_between_accounts(tmp_path: Path) -> None:
    text = """
accounts:
  - &first {name: one, provider: runway, api_key_env: RUNWAYML_API_SECRET, poll_interval: 2m}
  - {<<: *first, name: two}
"""
    assert [(a.name, a.poll_interval) for a in load(write(tmp_path, text), ENVIRON).accounts] == [
        ("one", 120.0),
        ("two", 120.0),
    ]


def test_neither_repr_nor_str_of_a_configuration_shows_a_secret(tmp_path: Path) -> None:
    config = load(write(tmp_path, "store: postgresql://u:hunter2@db/m"), ENVIRON)

    shown = f"{config!r} {config} {config.accounts[0]!r}"
    assert KEY not in shown
    assert "hunter2" not in shown


def test_a_key_file_is_found_beside_the_configuration_and_trimmed(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f"  {KEY}\n\n", encoding="utf-8")
    (tmp_path / "key.txt").chmod(0o600)

    with capture_logs() as logs:
        assert one_account(tmp_path, "api_key_file: key.txt").accounts[0].api_key.get_secret_value() == KEY
    assert logs == []


def test_a_key_file_that_everybody_may_read_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(KEY, encoding="utf-8")
    (tmp_path / "key.txt").chmod(0o644)

    with capture_logs() as logs:
        one_account(tmp_path, "api_key_file: key.txt")
    assert [(line["event"], line["log_level"]) for line in logs] == [("secret_file.exposed", "warning")]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "the key is empty; put the API key there"),
        (b" \n", "the key is empty; put the API key there"),
        (b"\xff\xfe", "the file is not text; put the API key there and nothing else"),
        ("schlüssel".encode(), "the key has characters that no header can carry; copy it again"),
        (b"'key_a'\n", "the key is in quotes; put the API key there without them"),
        (b"key_a\nkey_b", "the key has white space inside; put the API key there and nothing else"),
    ],
)
def test_a_key_file_without_a_key_is_a_fault(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "key.txt").write_bytes(content)
    (tmp_path / "key.txt").chmod(0o600)

    with pytest.raises(ConfigError) as caught:
        one_account(tmp_path, "api_key_file: key.txt")
    assert caught.value.faults == (f"accounts[0].api_key_file: {fault}",)


def test_a_key_command_gives_the_key_and_sees_the_environment(tmp_path: Path) -> None:
    source = """api_key_command: 'sh -c "printf %s $RUNWAYML_API_SECRET"'"""

    assert one_account(tmp_path, source).accounts[0].api_key.get_secret_value() == KEY


def has_ended(pid: str) -> bool:
    """Whether a process is gone, or waits for nothing but to be reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_key_command_that_hangs_is_ended_with_all_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_keys, "COMMAND_TIMEOUT_SECONDS", 2)

    with pytest.raises(ConfigError) as caught:
        one_account(tmp_path, f"api_key_command: \"sh -c 'sleep 60 & echo $! > {tmp_path}/child; wait'\"")
    assert caught.value.faults == ("accounts[0].api_key_command: the command took longer than 2 s; make it faster",)
    child = (tmp_path / "child").read_text(encoding="utf-8").strip()
    until = time.monotonic() + 10
    while not has_ended(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_missing_file_is_told_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "none.yml"

    assert faults_of(path) == (f"{path}: cannot be read: No such file or directory; check path and permissions",)


def test_a_file_that_is_not_utf8_is_told_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yml"
    path.write_bytes(b"store: \xff\xfe")

    assert faults_of(path) == (f"{path}: not UTF-8 text; save it as UTF-8",)


@pytest.mark.parametrize(
    ("listen", "gateway", "conflict"),
    [
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("127.0.0.1:1", "127.0.0.1:2", False),
        ("127.0.0.1:1", "127.0.0.2:1", False),
        ("127.0.0.1:1", "127.0.0.1:1", True),
        ("127.0.0.1:1", "localhost:1", True),
        ("127.0.0.1:1", "0.0.0.0:1", True),
        ("[::]:1", "10.0.0.1:1", True),
    ],
)
def test_two_listeners_share_no_port(tmp_path: Path, listen: str, gateway: str, conflict: bool) -> None:
    path = write(tmp_path, f"listen: '{listen}'\ngateway: {{listen: '{gateway}'}}")

    if conflict:
        assert faults_of(path) == (
            f"gateway.listen: {gateway} is taken by listen ({listen}); give each listener its own port",
        )
    else:
        assert str(load(path, ENVIRON).gateway.listen) == gateway


TOP_KEYS = ["listen", "gateway", "webhooks", "store", "accounts"]
ACCOUNT_KEYS = ["name", "provider", "api_key_env", "follow_up", "webhook", "limits", "purchases", "autobilling"]
KEYS = st.sampled_from([*TOP_KEYS, *ACCOUNT_KEYS, "x"])
LEAVES = st.sampled_from(["runway", "RUNWAYML_API_SECRET", "60s", "127.0.0.1:1", None, 7, 1.5, True]) | st.text()
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.tuples(KEYS, LEAVES), inner),  # a tuple is a list in YAML
    max_leaves=20,
)


@given(st.text() | DOCUMENTS.map(yaml.dump).map(lambda text: text.replace("!!python/tuple", "")))
def test_any_text_is_a_configuration_or_faults_of_one_line_each(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    faults: tuple[str, ...] = ()
    try:
        accounts = load(path, ENVIRON).accounts
    except ConfigError as error:
        accounts, faults = (), error.faults

    assert bool(accounts) != bool(faults)
    assert not [fault for fault in faults if len(fault.splitlines()) != 1]


KEY_FAULT = "the key is a group or a list; put quotes around a value that begins with a brace"
AN_ACCOUNT = "accounts: [{{name: a, provider: runway, {}}}]"
LAUGHS = "".join(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 30))
MERGES = "".join(f"a{number}: &a{number} {{<<: [*a{number - 1}, *a{number - 1}]}}\n" for number in range(1, 60))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("listen: {{ listen }}", f"line 1, column 10: {KEY_FAULT}"),
        ("{{ everything }}", f"line 1, column 2: {KEY_FAULT}"),
        ("accounts: [{? [name] : a}]", f"line 1, column 15: {KEY_FAULT}"),
        ("accounts: &a [*a]", "line 1, column 11: an alias inside of what it stands for; write it out"),
        ("&a {<<: *a}", "line 1, column 1: an alias inside of what it stands for; write it out"),
        (f"a0: &a0 [x]\n{LAUGHS}", "more than 100000 values; use fewer aliases"),
        (f"a0: &a0 {{x: y}}\n{MERGES}", "more than 100000 values; use fewer aliases"),
        ("listen: " + "[" * 900 + "]" * 900, "the file is nested too deeply; use fewer levels"),
        ("listen: 2026-01-01", "listen: not an address; give host:port, such as 127.0.0.1:10190"),
        ("listen: \0", "YAML syntax error: special characters are not allowed"),
        ('"a\\nb": c', r"a\nb: unknown key; known here: listen,"),
        ('store: "sqlite:///\\0"', "store: not a store; give sqlite:///monitor.db or postgresql://user@host/database"),
        (AN_ACCOUNT.format("api_key_env: RUNWAYML_API_SECRET, max_models: " + "9" * 5000), "accounts[0].max_models: "),
        (AN_ACCOUNT.format("api_key_env: RUNWAYML_API_SECRET, poll_interval: .nan"), "accounts[0].poll_interval: "),
        (AN_ACCOUNT.format(f"api_key_env: RUNWAYML_API_SECRET, poll_interval: {'9' * 400}s"), "accounts[0].poll_int"),
        (AN_ACCOUNT.format('api_key_env: "\\ud800"'), "accounts[0].api_key_env: "),
        (AN_ACCOUNT.format('api_key_file: "a\\0"'), "accounts[0].api_key_file: "),
        (AN_ACCOUNT.format('api_key_command: "\\ud800"'), "accounts[0].api_key_command: "),
        (AN_ACCOUNT.format("api_key_command: yes"), "accounts[0].api_key_command: the command printed more than a key"),
        (AN_ACCOUNT.format("api_key_file: /dev/zero"), "accounts[0].api_key_file: the file is not text; "),
        (AN_ACCOUNT.format("api_key_file: /"), "accounts[0].api_key_file: cannot read /: Is a directory; "),
        *(
            (f"listen: !!{tag} x", "line 1, column 9: YAML syntax error: ")
            for tag in ("timestamp", "bool", "int", "set")
        ),
    ],
)
def test_yaml_that_no_schema_expects_is_told_in_one_line(tmp_path: Path, text: str, fault: str) -> None:
    (told,) = faults_of(write(tmp_path, text))

    assert fault in told
    assert "bug" not in told
    assert told.isprintable()


def test_a_file_of_thousands_of_faults_is_told_of_soon(tmp_path: Path) -> None:
    assert len(faults_of(write(tmp_path, "".join(f"a{number}: b\n" for number in range(10_000))))) == 100
    accounts = write(tmp_path, f"accounts: [{'{},' * 20_000}]")
    assert len(faults_of(accounts)) < 110


def test_what_is_no_file_is_told_with_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_files, "LONGEST_WAIT_SECONDS", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    large = tmp_path / "large"
    large.write_bytes(b"#" * (1 << 20) + b"#")

    assert faults_of(tmp_path) == (f"{tmp_path}: cannot be read: Is a directory; check path and permissions",)
    assert faults_of(pipe) == (f"{pipe}: cannot be read: nothing more came within 0.1 s; check path and permissions",)
    assert faults_of(large) == (f"{large}: longer than 1 MiB; name a configuration file",)
    assert faults_of(Path("/dev/zero")) == ("/dev/zero: longer than 1 MiB; name a configuration file",)


def test_a_pipe_that_somebody_writes_to_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(pipe.write_text, "listen: 127.0.0.1:0")
        assert load(pipe, ENVIRON).listen == Address("127.0.0.1", 0)
        written.result()


def test_an_error_that_nobody_foresaw_is_a_fault_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["monitor.config.load"], "parse_document", lambda _: {}["hunter2"])
    (fault,) = faults_of(write(tmp_path, ""))

    assert fault.startswith(f"{tmp_path}/monitor.yml: cannot be used: KeyError at test_config.py:")
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    "store", ["sqlite://", "sqlite:///:memory:", "sqlite://monitor.db", "mysql://db/m", "monitor.db", "postgres://db/m"]
)
def test_a_store_that_would_not_last_or_cannot_be_opened_is_a_fault(tmp_path: Path, store: str) -> None:
    assert faults_of(write(tmp_path, f"store: '{store}'")) == (
        "store: not a store; give sqlite:///monitor.db or postgresql://user@host/database",
    )


def test_a_nesting_without_end_is_a_fault(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, "listen: " + "[" * 5000)) == ("the file is nested too deeply; use fewer levels",)


def test_the_shipped_example_loads() -> None:
    config = load(EXAMPLE, ENVIRON)

    assert [account.name for account in config.accounts] == ["production"]


def test_thresholds_are_set_for_each_limit(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yml"
    place = "accounts[0].limits.thresholds"
    path.write_text("""\
accounts:
  - name: a
    provider: runway
    api_key_env: RUNWAYML_API_SECRET
    limits: {thresholds: {daily_generations: {soft: 0.5, hard: 0.6}, concurrency: {soft: 1}}}
""")
    assert faults_of(path) == (f"{place}.concurrency: soft is above hard; let soft come first",)
    path.write_text(path.read_text().replace("soft: 1}", "hard: 1}"))
    daily = load(path, ENVIRON).accounts[0].limits.thresholds.daily_generations
    assert (daily.soft, daily.hard) == (0.5, 0.6)
    path.write_text(path.read_text().replace("0.5", "80"))
    fault = "not a share; give a number above 0 and up to 1, such as 0.8"
    assert faults_of(path) == (f"{place}.daily_generations.soft: {fault}",)


def test_a_tier_is_one_that_the_providers_tables_hold(tmp_path: Path) -> None:
    source = "api_key_env: RUNWAYML_API_SECRET, limits: {tier: %s}"
    assert one_account(tmp_path, source % 3).accounts[0].limits.tier == 3
    faults = {"6": "runway has no tier 6; give 1 to 5", "gold": "not a usable number; give a whole number from 1 to 99"}
    for tier, fault in faults.items():
        path = write(tmp_path, f"accounts: [{{name: a, provider: runway, {source % tier}}}]")
        assert faults_of(path) == (f"accounts[0].limits.tier: {fault}",)
