"""Why Kafka does not let us in, by what a client heard: the setting to correct. Pure.

The law: only what waiting cannot mend is a wrong setting. A broker that hangs up, and a token service that is away, are
none: they are waited for.

librdkafka tells most of it in its text alone; what it says of each case was heard from Kafka 4.3 by 2.16
(tests/integration/test_kafka_login.py).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import KafkaError

from consumer.kafka.identity import BEARER, CERTIFICATE, MECHANISM, METHOD, PROTOCOL, variable
from consumer.kafka.tokens import SETTING as TOKEN_FROM
from consumer.settings import ConfigurationError

_UNAUTHENTICATED: Final = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED})  # noqa: SLF001 # librdkafka's local code
_NO_TOKEN: Final = "Failed to acquire SASL OAUTHBEARER token"  # noqa: S105 # a message
# By the token service (RFC 6749, section 5.2), whose answer librdkafka tells as it is.
_CLIENT_REFUSED: Final = re.compile(
    r"\b(invalid_client|unauthorized_client|invalid_scope|invalid_grant|access_denied)\b"
)
_OTHER_MECHANISM: Final = re.compile(r"Unsupported SASL mechanism: broker's supported mechanisms: ?([A-Z0-9,_-]*)")
_NO_SASL: Final = "Request not valid in current SASL state"
_UNVERIFIED: Final = "certificate verify failed"
_OUR_CERTIFICATE: Final = re.compile(
    r"alert (bad certificate|unknown ca|certificate (unknown|expired|revoked|required))"
)


def refused(heard: Iterable[KafkaError], users: Mapping[str, str]) -> ConfigurationError | None:
    """The first of these errors that a setting is to blame for, as that; `users` are the user's properties."""
    return next((found for error in heard if (found := _blamed(error, users)) is not None), None)


def _blamed(error: KafkaError, users: Mapping[str, str]) -> ConfigurationError | None:
    text = error.str()
    if error.code() in _UNAUTHENTICATED:
        return _unknown(text, users)
    if _UNVERIFIED in text:
        return ConfigurationError(
            variable("ssl.ca.location"),
            "Kafka's certificate cannot be verified: no authority in this file (the system's own, where it is not set) "
            "signed it, or it is for another host, or has expired",
        )
    if _OUR_CERTIFICATE.search(text) is not None:
        what = "takes nobody without a certificate" if users.get(CERTIFICATE) is None else "refuses this certificate"
        return ConfigurationError(variable(CERTIFICATE), f"Kafka {what}")
    return None


def _unknown(text: str, users: Mapping[str, str]) -> ConfigurationError | None:
    """It does not take who we say we are."""
    if _NO_TOKEN in text:
        if _CLIENT_REFUSED.search(text) is None:
            return None
        return ConfigurationError(
            variable("sasl.oauthbearer.client.secret"), "the token service refuses this client, its secret or its scope"
        )
    if (others := _OTHER_MECHANISM.search(text)) is not None:
        return ConfigurationError(variable(MECHANISM), f"Kafka does not take this one: {others[1] or 'it takes none'}")
    if _NO_SASL in text:
        return ConfigurationError(variable(PROTOCOL), "Kafka takes no SASL at this port")
    mechanism = users.get(MECHANISM) or users.get("sasl.mechanisms", BEARER)
    if mechanism.upper() != BEARER:
        return ConfigurationError(variable("sasl.password"), "Kafka refuses this user or this password")
    return ConfigurationError(variable(METHOD) if METHOD in users else TOKEN_FROM, "Kafka refuses the token")
