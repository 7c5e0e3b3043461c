"""How every Kafka client of Hookline is configured, and what its errors mean.

The law: a property on which correctness rests is ours, and a user's property that contradicts it is refused by name
at start, never overridden in silence.

librdkafka's properties: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

from confluent_kafka import KafkaError, KafkaException

from consumer.kafka.identity import FILE, IN_FILES, identified, variable
from consumer.kafka.tokens import SETTING as TOKEN_FROM
from consumer.kafka.tokens import Ask, TokenUnusable, tokens
from consumer.settings import KAFKA, ConfigurationError, Settings, nearest
from consumer.telemetry.repeats import Repeats

Value: TypeAlias = str | int | bool | Ask
Properties: TypeAlias = dict[str, Value]
Client = TypeVar("Client")

ASK_TOKEN: Final = "oauth_cb"  # noqa: S105 # a name
"""The property under which confluent_kafka is given what it asks for tokens."""

_NAMED_PROPERTY = re.compile(r'property:? "([^"]+)"')
_IN_TEXT = re.compile(r"\b((?:ssl|sasl)\.[a-z.]+)")
# What OpenSSL says of a file that librdkafka cannot use.
_OF_FILES: Final = {
    "key values mismatch": "is not the key of the certificate",
    "PEM lib": "cannot be read: it has to be PEM, and HOOKLINE_KAFKA_SSL_KEY_PASSWORD right where it is encrypted",
    "no certificate or crl found": "holds no certificate in PEM",
    "no start line": "holds no certificate in PEM",
    "system lib": "cannot be read",
    "BIO lib": "cannot be read",
}

# librdkafka knows these by two names; a contradiction must be seen under both.
_SYNONYMS: Final = {
    "acks": "request.required.acks",
    "compression.type": "compression.codec",
    "delivery.timeout.ms": "message.timeout.ms",
    "linger.ms": "queue.buffering.max.ms",
    "max.in.flight": "max.in.flight.requests.per.connection",
    "metadata.broker.list": "bootstrap.servers",
    "retries": "message.send.max.retries",
    "sasl.mechanisms": "sasl.mechanism",
}
# librdkafka does not list its properties; these are the ones that people set, for a guess at what was meant.
_USUAL: Final = (
    "bootstrap.servers",
    "client.id",
    "client.rack",
    *(name + FILE for name in IN_FILES),
    "sasl.mechanism",
    "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.method",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "socket.timeout.ms",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "ssl.key.password",
    "token.from",
)
# The environment's underscores become dots; these names have an underscore of their own.
_UNDERSCORED: Final = {"log.level": "log_level"}


# Each client of a process says for each broker, several times a second, that it cannot be reached.
_librdkafka = logging.getLogger("librdkafka")
_librdkafka.addFilter(Repeats())
# A user's property goes to every client, and each producer would warn of those that are consumers'.
_librdkafka.addFilter(lambda record: "property and will be ignored by this" not in record.getMessage())

_PREFERRED: Final[Mapping[str, Value]] = {
    "client.id": "hookline",
    # Of a process's clients the last to come back decides when it goes on: by default each may wait for 10 s.
    "reconnect.backoff.max.ms": 1_000,
}


_DENIED: Final[Mapping[int, str]] = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "READ, WRITE and DESCRIBE on Hookline's topics, READ on the event topics",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "READ on Hookline's groups",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "what it asks of the cluster: IDEMPOTENT_WRITE, or CREATE for new topics",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "WRITE and DESCRIBE on Hookline's transactional ids",
}


class KafkaBroken(Exception):  # noqa: N818 # it names a state, as the glossary does
    """Kafka did not do what was asked, and may later. `code` is the broker's or librdkafka's name of the error."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class KafkaFatal(KafkaBroken):
    """This client can never work again: build a new one."""


class AccessDenied(ConfigurationError, KafkaBroken):  # noqa: N818 # same
    """Kafka knows this user and does not let it do this: its administrator has to."""

    def __init__(self, message: str, *, code: str) -> None:
        ConfigurationError.__init__(self, "Kafka's ACLs", message)
        self.code = code


class NameTaken(KafkaFatal):
    """Another client has joined the group as the same static member: Kafka lets only the newest work (KIP-345).

    A broker that was killed may also have forgotten which client was the newest. So it is no error of the settings.
    """

    def __init__(self) -> None:
        super().__init__(
            "another process has joined this group under this one's name, which is made of the host's name and "
            "HOOKLINE_STATE_DIR. If this goes on, two machines or containers have one host name: give each its own, or "
            "set HOOKLINE_MEMBERSHIP=dynamic",
            code="FENCED_INSTANCE_ID",
        )


def client_properties(
    settings: Settings,
    *,
    ours: Mapping[str, Value] | None = None,
    unless_set: Mapping[str, Value] | None = None,
) -> Properties:
    """A client's properties: the user's, `ours` above them, `unless_set` below.

    Raises:
        ConfigurationError: no broker is named, a user's property contradicts one of `ours`, or they do not tell who we
            are.
    """
    users = identified({_canonical(name): value for name, value in settings.kafka.items()}, settings.kafka_token_from)
    as_written = {_canonical(name): _UNDERSCORED.get(name, name) for name in settings.kafka}
    if not users.get("bootstrap.servers") and "test.mock.num.brokers" not in users:
        close = nearest("bootstrap.servers", users)
        instead = "" if close is None else f" (there is only {variable(close)}, which is no setting)"
        wanted = "say where Kafka is, as in kafka-1:9092,kafka-2:9092"
        raise ConfigurationError(KAFKA + "BOOTSTRAP_SERVERS", wanted + instead)
    fixed = {_canonical(name): value for name, value in (ours or {}).items()}
    for name, value in fixed.items():
        if name in users and not _same(users[name], value):
            written = as_written[name]
            raise ConfigurationError(
                variable(written), f"Hookline sets {written}={_text(value)}, or deliveries could be lost: remove yours"
            )
    below = {_canonical(name): value for name, value in (unless_set or {}).items()}
    merged = {**_PREFERRED} | below | users | fixed
    # Under the user's own names, so that `build` can name what librdkafka refuses as it was written.
    properties: Properties = {as_written.get(name, name): value for name, value in merged.items()}
    if settings.kafka_token_from is not None:
        properties[ASK_TOKEN] = tokens(settings.kafka_token_from)
    return properties


def build(make: Callable[..., Client], properties: Mapping[str, object]) -> Client:
    """Construct a client of confluent_kafka. librdkafka's own log goes to the logger `librdkafka`.

    Raises:
        ConfigurationError: librdkafka does not know a property, or refuses its value (which is never repeated).
        KafkaBroken: there is no token now, or the client could not be made for another reason.
    """
    if callable(ask := properties.get(ASK_TOKEN)):
        try:
            ask("")  # a client would wait ten seconds for one that does not come, and not say why
        except TokenUnusable as unusable:
            raise KafkaBroken(f"{TOKEN_FROM}: {unusable}") from None
    try:
        return make({**properties, "logger": _librdkafka})
    except KafkaException as exception:
        error = error_of(exception)
        if error.code() != KafkaError._INVALID_ARG:  # noqa: SLF001 # librdkafka's local codes begin with an underscore
            raise broken(error) from None
        named = _NAMED_PROPERTY.search(error.str())
        if named is None:
            raise _unnamed(error.str()) from None
        unknown = error.str().startswith("No such")
        written = next((name for name in properties if _canonical(name) == _canonical(named[1])), named[1])
        what = f"librdkafka has no such property{_meant(written)}" if unknown else "librdkafka refuses this value"
        raise ConfigurationError(variable(written), what) from None


def error_of(exception: KafkaException) -> KafkaError:
    """The KafkaError that every KafkaException carries."""
    error = exception.args[0]
    assert isinstance(error, KafkaError)
    return error


def denied(error: KafkaError) -> bool:
    """Whether an ACL is missing."""
    return error.code() in _DENIED


def broken(error: KafkaError, doing: str = "", *, needs: str = "") -> KafkaBroken:
    """Map an error of confluent_kafka to ours; `doing` says what was tried, `needs` which ACL that takes."""
    if denied(error):
        tried = f" ({doing})" if doing else ""
        return AccessDenied(f"allow this user {needs or _DENIED[error.code()]}{tried}", code=error.name())
    message = f"{doing}: {error.str()}" if doing else error.str()
    return (KafkaFatal if is_fatal(error) else KafkaBroken)(message, code=error.name())


def is_fatal(error: KafkaError) -> bool:
    """Whether this client can never work again. An error that only says so of an earlier one is not marked itself."""
    return error.fatal() or error.code() == KafkaError._FATAL  # noqa: SLF001 # librdkafka's local code


def fatal(error: KafkaError) -> KafkaFatal:
    """A consumer's fatal error, as ours. librdkafka tells why it is fatal in its text alone."""
    if KafkaError(KafkaError.FENCED_INSTANCE_ID).str() in error.str():
        return NameTaken()
    return KafkaFatal(error.str(), code=error.name())


def _meant(name: str) -> str:
    closest = nearest(name, _USUAL)
    return ": take it away, or see docs/settings.md" if closest is None else f": did you mean {variable(closest)}?"


def _canonical(name: str) -> str:
    name = _UNDERSCORED.get(name, name)
    return _SYNONYMS.get(name, name)


def _unnamed(text: str) -> ConfigurationError:
    """What librdkafka refuses without saying of which property; it may name one all the same."""
    said = text.removeprefix("Failed to create admin client: ").removeprefix("Failed to create producer: ")
    said = said.removeprefix("Failed to create consumer: ")
    named = _IN_TEXT.search(said)
    plainly = next((words for told, words in _OF_FILES.items() if told in said), said)
    return ConfigurationError(KAFKA + "…" if named is None else variable(named[1]), plainly)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _same(users: str, ours: Value) -> bool:
    return users.strip().lower() == _text(ours).lower() or {users.strip(), _text(ours)} == {"all", "-1"}
