"""Which setting is to blame when Kafka does not let us in, by what librdkafka 2.16 says; and what is waited for."""

import pytest
from confluent_kafka import KafkaError

from consumer.kafka.refusals import refused

PLAIN = {"sasl.mechanism": "PLAIN"}
OIDC = {"sasl.mechanisms": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc"}
HAND = "sasl_ssl://kafka:9093/bootstrap: "


def blamed(code: int, text: str, users: dict[str, str]) -> str | None:
    error = refused(
        [KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 are down"), KafkaError(code, text)], users
    )  # librdkafka's local code
    return None if error is None else str(error)


@pytest.mark.parametrize(
    ("code", "text", "users", "told"),
    [
        (
            KafkaError._AUTHENTICATION,
            "SASL authentication error: Authentication failed: Invalid username or password",
            PLAIN,
            "SASL_PASSWORD: Kafka refuses this user or this password",
        ),
        (KafkaError._AUTHENTICATION, 'SASL authentication error: {"status":"invalid_token"}', {}, "TOKEN_FROM: Kafka"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, "no", OIDC, "SASL_OAUTHBEARER_METHOD: Kafka refuses the token"),
        (
            KafkaError._AUTHENTICATION,
            'Failed to acquire SASL OAUTHBEARER token: {"error": "invalid_client", "hint": "s3cret"}',
            OIDC,
            "SASL_OAUTHBEARER_CLIENT_SECRET: the token service refuses this client, its secret or its scope",
        ),
        (
            KafkaError._AUTHENTICATION,
            (
                "SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: "
                "broker's supported mechanisms: SCRAM-SHA-256,SCRAM-SHA-512 (after 3ms in state AUTH_HANDSHAKE)"
            ),
            PLAIN,
            "SASL_MECHANISM: Kafka does not take this one: SCRAM-SHA-256,SCRAM-SHA-512",
        ),
        (
            KafkaError._AUTHENTICATION,
            "SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL state: …",
            PLAIN,
            "SECURITY_PROTOCOL: Kafka takes no SASL at this port",
        ),
        (
            KafkaError._SSL,
            "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could …",
            {},
            "SSL_CA_LOCATION: Kafka's certificate cannot be verified",
        ),
        (
            KafkaError._TRANSPORT,
            "Receive failed: error:0A000416:SSL routines::ssl/tls alert certificate unknown: SSL alert number 46",
            {"ssl.certificate.location": "x"},
            "SSL_CERTIFICATE_LOCATION: Kafka refuses this certificate",
        ),
        (
            KafkaError._TRANSPORT,
            "Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: SSL alert number 42",
            {},
            "SSL_CERTIFICATE_LOCATION: Kafka takes nobody without a certificate",
        ),
    ],
)
def test_the_setting_is_named_and_nothing_of_a_secret(code: int, text: str, users: dict[str, str], told: str) -> None:
    found = blamed(code, HAND + text, users)
    assert str(found).startswith(f"HOOKLINE_KAFKA_{told}")
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (KafkaError._TRANSPORT, "Connect to ipv4#127.0.0.1:9092 failed: Connection refused"),
        (KafkaError._TRANSPORT, "SSL handshake failed: Disconnected: SSL connection closed by peer"),
        (
            KafkaError._AUTHENTICATION,
            "Failed to acquire SASL OAUTHBEARER token: Failed to connect to sso port 443: Could not connect to server",
        ),
    ],
)
def test_what_may_pass_by_itself_is_no_wrong_setting(code: int, text: str) -> None:
    assert blamed(code, HAND + text, OIDC) is None
