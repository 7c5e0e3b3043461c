"""Settings: a wrong value is refused by the name its user knows; a right one arrives whole."""

import os
import tomllib
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.configuration import load, strangers
from consumer.http.proxy import Proxy
from consumer.setting_values import duration_ms
from consumer.settings import ConfigurationError, Settings

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw=="


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither .env nor hookline.toml of the developer's is read."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOOKLINE_OPERATOR_KEY", "short"),
        ("HOOKLINE_PARTITIONS", "none"),
        ("HOOKLINE_PARTITIONS", "0"),
        ("HOOKLINE_REPLICATION_FACTOR", "one"),
        ("HOOKLINE_CREATE_TOPICS", "perhaps"),
        ("HOOKLINE_START", "middle"),
        ("HOOKLINE_GROUP_PROTOCOL", "modern"),
        ("HOOKLINE_ERROR_HEADERS", "mine"),
        ("HOOKLINE_TRANSPORT", "pigeon"),
        ("HOOKLINE_MAX_EVENT_BYTES", "12"),
        ("HOOKLINE_MAX_EVENT_DEPTH", "0"),
        ("HOOKLINE_MAX_IN_FLIGHT", "0"),
        ("HOOKLINE_FAN_OUT", "-1"),
        ("HOOKLINE_PROCESSES", "0"),
        ("HOOKLINE_PROCESSES", "513"),
        ("HOOKLINE_LOG_LEVEL", "loud"),
        ("HOOKLINE_RETRY_FOR", "a day"),
        ("HOOKLINE_STALENESS", "1"),
        ("HOOKLINE_MEMORY_FOR", "1 h"),
        ("HOOKLINE_PROJECTION_SILENCE", "-1s"),
        ("HOOKLINE_DRAIN_FOR", "8sec"),
        ("HOOKLINE_REDIS_TIMEOUT", "half"),
        ("HOOKLINE_RETRY_DELAYS", ""),
        ("HOOKLINE_RETRY_DELAYS", "0s,1m"),
        ("HOOKLINE_RETRY_DELAYS", "1m,5s"),
        ("HOOKLINE_RETRY_DELAYS", "5s,5000ms"),
        ("HOOKLINE_RETRY_DELAYS", "5s,soon"),
        ("HOOKLINE_ALLOW_NETWORKS", "10.0.0.0/8,nowhere"),
        ("HOOKLINE_ALLOW_NETWORKS", "10.0.0.1/8"),
        ("HOOKLINE_ALLOW_HTTP", "2"),
    ],
)
def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert refused.value.field == variable
    assert str(refused.value).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PARTITIONS", "none", "must be a whole number from 1 to 10000"),
        ("PROCESSES", "0", "must be a whole number from 1 to 512"),
        ("MAX_WEBHOOKS", "1.5", "must be a whole number from 1 to "),
        ("REPLICATION_FACTOR", "0", "must be at least 1, or -1 to leave it to the broker"),
        ("ALLOW_HTTP", "perhaps", "must be true or false"),
        ("LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
        ("BRANDS_DIR", "nowhere", "there is no such folder"),
        ("ALLOW_NETWORKS", "10.0.0.1/8", "10.0.0.1/8 has host bits set: write a network in CIDR notation"),
        ("TENANT_NETWORKS", "10.0.0.0/8", "'10.0.0.0/8' is no tenant's network: write TENANT=NETWORK"),
    ],
)
def test_a_wrong_value_is_told_what_it_has_to_be(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HOOKLINE_{variable}", value)
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert str(refused.value).startswith(f"HOOKLINE_{variable}: {said}")


def test_a_broken_file_is_named(empty_folder: Path) -> None:
    (empty_folder / "hookline.toml").write_text("partitions = = 3")
    with pytest.raises(ConfigurationError, match=r"^hookline\.toml: "):
        load()


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", "orders, ^shop\\..*,,")
    monkeypatch.setenv("HOOKLINE_RETRY_DELAYS", "250ms,2s")
    monkeypatch.setenv("HOOKLINE_ALLOW_NETWORKS", "127.0.0.0/8,::1/128")
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", f"new:{SECRET},old:{SECRET}")
    settings = load()
    assert settings.event_topics == ("orders", "^shop\\..*")
    assert settings.retry_delays_ms == (0, 250, 2_000)
    assert settings.networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert [key.get_secret_value()[:4] for key in settings.encryption_keys] == ["new:", "old:"]


def test_networks_are_granted_to_tenants_in_the_environment_and_in_the_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "hookline.toml").write_text('tenant_networks = ["Acme, Inc.=10.20.0.0/16", "b=10.1.0.0/16:8443"]')
    assert load().grants.at("Acme, Inc.", 443) == (ip_network("10.20.0.0/16"),)
    monkeypatch.setenv("HOOKLINE_TENANT_NETWORKS", "b=10.2.0.0/16, b=10.3.0.0/16:8443")
    grants = load().grants
    assert grants.at("b", 8443) == (ip_network("10.2.0.0/16"), ip_network("10.3.0.0/16"))
    assert grants.at("Acme, Inc.", 443) == ()


def test_the_authorities_of_a_proxy_are_for_one_of_https_and_are_certificates(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_EGRESS_CHECK", "www.example.com:443")
    monkeypatch.setenv("HOOKLINE_EGRESS_PROXY", "https://proxy.test:3129")
    assert load().egress_authorities is None
    monkeypatch.setenv("HOOKLINE_EGRESS_AUTHORITIES", "")
    assert load().egress_authorities is None
    monkeypatch.setenv("HOOKLINE_EGRESS_AUTHORITIES", "nowhere.pem")
    with pytest.raises(ConfigurationError, match="HOOKLINE_EGRESS_AUTHORITIES: there is no such file"):
        load()
    (empty_folder / "own.pem").write_text("no certificate")
    monkeypatch.setenv("HOOKLINE_EGRESS_AUTHORITIES", "own.pem")
    with pytest.raises(ConfigurationError, match="HOOKLINE_EGRESS_AUTHORITIES: cannot be read as certificates in PEM"):
        Proxy.of(load())
    monkeypatch.setenv("HOOKLINE_EGRESS_PROXY", "http://proxy.test:3128")
    with pytest.raises(ConfigurationError, match=r"HOOKLINE_EGRESS_AUTHORITIES: says nothing unless .* https://"):
        load()


def test_nothing_is_granted_where_the_proxy_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_EGRESS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("HOOKLINE_EGRESS_CHECK", "www.example.com:443")
    monkeypatch.setenv("HOOKLINE_TENANT_NETWORKS", "acme=10.20.0.0/16")
    assert load().grants.tenants
    monkeypatch.setenv("HOOKLINE_EGRESS_GUARD", "proxy")
    with pytest.raises(ConfigurationError, match="HOOKLINE_TENANT_NETWORKS: says nothing where HOOKLINE_EGRESS_GUARD"):
        load()


def test_any_kafka_property_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "a:9092,b:9092")
    monkeypatch.setenv("HOOKLINE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    assert load().kafka == {"bootstrap.servers": "a:9092,b:9092", "security.protocol": "SASL_SSL"}


def test_one_load_leaves_nothing_behind_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "a:9092")
    load()
    monkeypatch.delenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS")
    assert load().kafka == {}


def test_the_environment_goes_before_env_file_before_toml(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> None:
    (empty_folder / "hookline.toml").write_text('partitions = 1\nfan_out = 2\nmax_queued = 3\ntopic_prefix = "t."')
    (empty_folder / ".env").write_text("HOOKLINE_FAN_OUT=20\nHOOKLINE_MAX_QUEUED=30\n")
    monkeypatch.setenv("HOOKLINE_MAX_QUEUED", "300")
    settings = load()
    assert (settings.partitions, settings.fan_out, settings.max_queued) == (1, 20, 300)
    assert settings.topic_prefix == "t."


def test_lists_and_kafka_properties_come_from_the_file_too(empty_folder: Path) -> None:
    (empty_folder / "hookline.toml").write_text('event_topics = ["a", "b"]\n[kafka]\n"bootstrap.servers" = "f:9092"')
    settings = load()
    assert settings.event_topics == ("a", "b")
    assert settings.kafka == {"bootstrap.servers": "f:9092"}


@pytest.mark.parametrize("secret", ["HOOKLINE_REDIS_URL", "HOOKLINE_ENCRYPTION_KEYS"])
def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv(secret, f"id:{SECRET}")
    settings = load()
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())


def test_an_empty_operators_key_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_OPERATOR_KEY", "")
    assert load().operator_key is None


def test_the_tests_own_environment_is_clean() -> None:
    assert [name for name in os.environ if name.startswith("HOOKLINE_")] == []


UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@given(number=st.integers(0, 10**9), unit=st.sampled_from(sorted(UNITS)))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    assert duration_ms(f"{number}{unit}") == number * UNITS[unit]


@given(st.text(max_size=12))
def test_a_duration_is_a_number_and_a_unit_or_refused(text: str) -> None:
    try:
        value = duration_ms(text)
    except ValueError:
        return
    assert value >= 0
    assert text.strip()[:1].isdigit()
    assert text.strip().endswith(tuple(UNITS))


def test_every_option_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_version_is_the_projects() -> None:
    root = Path(__file__).resolve().parents[3]
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert f"image: hookline:{version}\n" in (root / "docker-compose.yml").read_text()


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_a_settings_own_name_is_no_stranger_and_one_letter_less_is(field: str) -> None:
    name = f"HOOKLINE_{field.upper()}"
    assert strangers([name, name.lower(), "PATH", "HOOKLINE_KAFKA_LINGER_MS"]) == {}
    if not field.startswith("kafka"):  # else it is for librdkafka to refuse
        assert strangers([name[:-1]]) == {name[:-1]: name}


def test_a_stranger_like_no_setting_is_told_without_one() -> None:
    assert strangers(["HOOKLINE_XYZZY"]) == {"HOOKLINE_XYZZY": None}


@pytest.mark.parametrize(
    ("text", "name", "closest"),
    [
        ("partitons = 3", "partitons", ": did you mean partitions?"),
        ("Redis_ulr = 3", "Redis_ulr", ": did you mean redis_url?"),
        ("[xyzzy]\na = 1", "xyzzy", ""),
    ],
)
def test_a_name_in_the_file_that_is_no_setting_is_refused(
    empty_folder: Path, text: str, name: str, closest: str
) -> None:
    (empty_folder / "hookline.toml").write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert str(refused.value) == f"{name}: hookline.toml names no setting by this{closest}"


def test_a_kafka_property_may_stand_in_the_file_as_it_does_in_the_environment(empty_folder: Path) -> None:
    (empty_folder / "hookline.toml").write_text('kafka_bootstrap_servers = "f:9092"')
    assert load().kafka == {"bootstrap.servers": "f:9092"}


@pytest.mark.parametrize(
    "path", ["card", "data", "data.", "data..a", "data.a[0]", "data.a.b*", "data.a b", "data" + ".a" * 17]
)
def test_a_path_that_redacts_nothing_is_refused(empty_folder: Path, path: str) -> None:
    (empty_folder / "hookline.toml").write_text(f'redact = ["data.card", "{path}"]')
    with pytest.raises(ConfigurationError, match=r"HOOKLINE_REDACT: .* is no path: write data and the names"):
        load()


def test_paths_that_are_redacted_are_written_as_a_list(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del empty_folder
    monkeypatch.setenv("HOOKLINE_REDACT", "$.data.card.number, data.items[*].*.email")
    assert load().redact == ("$.data.card.number", "data.items[*].*.email")


@pytest.mark.parametrize(
    "proxy",
    [
        "http://proxy.test:3128",
        "socks5://[2001:db8::1]:1080",
        "http://hook:pa%3Ass@10.0.0.1:3128/",
    ],
)
def test_a_proxy_needs_a_server_that_it_reaches(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HOOKLINE_EGRESS_PROXY", proxy)
    with pytest.raises(ConfigurationError, match=r"^HOOKLINE_EGRESS_CHECK: name a server"):
        load()
    monkeypatch.setenv("HOOKLINE_EGRESS_CHECK", "www.example.com:443, [2001:db8::2]:443")
    assert load().egress_check == ("www.example.com:443", "[2001:db8::2]:443")
    monkeypatch.setenv("HOOKLINE_EGRESS_CHECK", "www.example.com")
    with pytest.raises(ConfigurationError, match=r"^HOOKLINE_EGRESS_CHECK: .*host:port"):
        load()


@pytest.mark.parametrize(
    "proxy", ["proxy.test:3128", "ftp://h:pa55@proxy.test:3128", "https://h:pa55@proxy.test", "http://h:pa55@x:99999"]
)
def test_a_proxy_that_is_none_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HOOKLINE_EGRESS_PROXY", proxy)
    monkeypatch.setenv("HOOKLINE_EGRESS_CHECK", "www.example.com:443")
    with pytest.raises(ConfigurationError, match=r"^HOOKLINE_EGRESS_PROXY: .*http://HOST:PORT") as refused:
        load()
    assert "pa55" not in str(refused.value)


def test_a_proxy_is_for_an_engine_that_sends_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_EGRESS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("HOOKLINE_EGRESS_CHECK", "www.example.com:443")
    monkeypatch.setenv("HOOKLINE_TRANSPORT", "curl")
    with pytest.raises(ConfigurationError, match=r"^HOOKLINE_EGRESS_PROXY: .*HOOKLINE_TRANSPORT"):
        load()
    monkeypatch.setenv("HOOKLINE_EGRESS_PROXY", "")
    assert load().egress_proxy is None
