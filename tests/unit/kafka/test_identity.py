"""Who we are to Kafka: what is wrong is told by its setting, and never with a secret."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from consumer.configuration import load
from consumer.kafka.client import build, client_properties
from consumer.kafka.identity import identified, outdated
from consumer.origins import effective
from consumer.settings import ConfigurationError, Settings
from tests.certificates import Authority

PASSWORD = {"sasl.username": "hookline", "sasl.password": "hunter2"}
SCRAM = {"security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512"}


def wrong(said: dict[str, str], token_from: str | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        identified(said, token_from)
    assert "hunter2" not in str(caught.value)
    return str(caught.value)


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("hunter 2\r\n")
    said = {**SCRAM, "sasl.username": "hookline", "sasl.password.file": str(path)}
    assert identified(said, None) == {**SCRAM, "sasl.username": "hookline", "sasl.password": "hunter 2"}


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read: No such file"), (b"\n", "is empty"), (b"\xff\xfe", "holds no text")]
)
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    assert wrong({**SCRAM, "sasl.password.file": str(path)}).startswith(
        f"HOOKLINE_KAFKA_SASL_PASSWORD_FILE: {path} {words}"
    )


@pytest.mark.parametrize(
    ("said", "token_from", "told"),
    [
        (PASSWORD, None, "HOOKLINE_KAFKA_SECURITY_PROTOCOL: must be sasl_ssl"),
        ({}, "file:token", "HOOKLINE_KAFKA_SECURITY_PROTOCOL: must be sasl_ssl"),
        ({"security.protocol": "sasl_ssl", **PASSWORD}, None, "HOOKLINE_KAFKA_SASL_MECHANISM: is missing: say one of"),
        ({**SCRAM, "sasl.mechanism": "GSSAPI"}, None, "HOOKLINE_KAFKA_SASL_MECHANISM: must be one of PLAIN, SCRAM"),
        ({**SCRAM, "sasl.mechanism": "AWS_MSK_IAM"}, None, "for IAM of Amazon MSK OAUTHBEARER"),
        ({**SCRAM, "sasl.password": "hunter2"}, None, "HOOKLINE_KAFKA_SASL_USERNAME: is missing"),
        ({**SCRAM, "sasl.username": "x"}, None, "is missing: set it, or HOOKLINE_KAFKA_SASL_PASSWORD_FILE"),
        ({**SCRAM, **PASSWORD, "sasl.password.file": "x"}, None, "HOOKLINE_KAFKA_SASL_PASSWORD is set as well"),
        ({**SCRAM, **PASSWORD}, "file:x", "HOOKLINE_KAFKA_TOKEN_FROM: needs HOOKLINE_KAFKA_SASL_MECHANISM=OAUTHBEARER"),
        ({**SCRAM, "sasl.mechanism": "OAUTHBEARER"}, None, "HOOKLINE_KAFKA_TOKEN_FROM: is missing"),
        (
            {"security.protocol": "sasl_ssl", "sasl.oauthbearer.method": "oidc"},
            "file:x",
            "HOOKLINE_KAFKA_SASL_OAUTHBEARER_METHOD is set as well",
        ),
        ({"security.protocol": "ssl", "ssl.ca.location": "nowhere.pem"}, None, "there is no file nowhere.pem"),
        ({"security.protocol": "ssl", "ssl.certificate.location": "/"}, None, "/ cannot be read: Is a directory"),
    ],
)
def test_what_cannot_work_is_told_before_there_is_a_client(
    said: dict[str, str], token_from: str | None, told: str
) -> None:
    assert told in wrong(said, token_from)


def test_a_certificate_that_is_out_of_date_is_told_with_the_date(tmp_path: Path) -> None:
    certificate, _ = Authority(tmp_path).client("hookline", expired=True)
    assert "has expired at 2" in wrong({"security.protocol": "ssl", "ssl.certificate.location": str(certificate)})
    pem = Authority(tmp_path).client("hookline")[0].read_bytes()
    now = datetime.now(UTC)
    assert outdated(pem, now) is None
    assert "has expired" in str(outdated(pem, now + timedelta(days=3)))
    assert "not valid before" in str(outdated(pem, now - timedelta(days=3)))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ssl.ca.location", "certificate", None),
        ("ssl.ca.location", "nonsense", "HOOKLINE_KAFKA_SSL_CA_LOCATION: holds no certificate in PEM"),
        ("ssl.key.location", "other key", "HOOKLINE_KAFKA_SSL_KEY_LOCATION: is not the key of the certificate"),
        ("ssl.key.location", "nonsense", "HOOKLINE_KAFKA_SSL_KEY_LOCATION: cannot be read"),
    ],
)
def test_files_that_librdkafka_refuses_are_told_in_plain_words(
    tmp_path: Path, name: str, content: str, words: str | None
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.client("hookline")
    files = {"certificate": certificate, "other key": authority.client("other")[1], "nonsense": tmp_path / "nonsense"}
    files["nonsense"].write_text("nonsense")
    said = {
        "bootstrap.servers": "127.0.0.1:1",
        "security.protocol": "ssl",
        "ssl.certificate.location": str(certificate),
        "ssl.key.location": str(key),
        name: str(files[content]),
    }
    properties = {**client_properties(Settings(kafka=said)), "log_level": 0}
    if words is None:
        build(AdminClient, properties)
    else:
        with pytest.raises(ConfigurationError, match=words):
            build(AdminClient, properties)


def test_config_shows_where_secrets_lie_and_none_of_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_KAFKA_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("HOOKLINE_KAFKA_SASL_PASSWORD_FILE", "/run/secrets/password")
    monkeypatch.setenv("HOOKLINE_KAFKA_TOKEN_FROM", "command:/bin/give-token --secret hunter2")
    settings = load()
    assert "token.from" not in settings.kafka
    shown = {each.setting: each.value for each in effective(settings)}
    assert shown["HOOKLINE_KAFKA_SASL_PASSWORD_FILE"] == "/run/secrets/password"
    assert shown["HOOKLINE_KAFKA_TOKEN_FROM"] == "command:/bin/give-token ***"
    assert "hunter2" not in str(shown)
