import pytest
from confluent_kafka import KafkaError, Producer

from consumer.kafka.client import KafkaBroken, KafkaFatal, broken, build, client_properties
from consumer.settings import ConfigurationError, Settings


def settings(**properties: str) -> Settings:
    named = {name.replace("_", "."): value for name, value in properties.items()}
    return Settings(kafka={"bootstrap.servers": "127.0.0.1:1"} | named)


def test_a_users_property_stands_above_what_we_merely_prefer() -> None:
    properties = client_properties(settings(linger_ms="7"), unless_set={"linger.ms": 5, "acks": "all"})
    assert properties["linger.ms"] == "7"
    assert "queue.buffering.max.ms" not in properties
    assert properties["request.required.acks"] == "all"


@pytest.mark.parametrize("name", ["acks", "request_required_acks"])
def test_a_property_that_contradicts_ours_is_refused_by_the_name_its_user_gave_it(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_properties(settings(**{name: "1"}), ours={"acks": "all"})
    assert caught.value.field == f"HOOKLINE_KAFKA_{name.upper()}"


@pytest.mark.parametrize("value", ["all", "-1"])
def test_a_property_that_agrees_with_ours_is_welcome(value: str) -> None:
    assert client_properties(settings(acks=value), ours={"acks": "all"})["acks"] == "all"


def test_without_a_broker_the_variable_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_properties(Settings(kafka={}))
    assert caught.value.field == "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"


def test_the_mock_cluster_needs_no_broker() -> None:
    assert "bootstrap.servers" not in client_properties(Settings(kafka={"test.mock.num.brokers": "1"}))


@pytest.mark.parametrize(
    ("name", "value", "variable"),
    [
        ("no.such.thing", "x", "HOOKLINE_KAFKA_NO_SUCH_THING"),
        ("socket.timeout.ms", "hunter2", "HOOKLINE_KAFKA_SOCKET_TIMEOUT_MS"),
        ("linger.ms", "hunter2", "HOOKLINE_KAFKA_LINGER_MS"),
    ],
)
def test_what_librdkafka_refuses_is_named_and_its_value_is_not_repeated(name: str, value: str, variable: str) -> None:
    properties = client_properties(Settings(kafka={"bootstrap.servers": "127.0.0.1:1", name: value}))
    with pytest.raises(ConfigurationError) as caught:
        build(Producer, properties)
    assert caught.value.field == variable
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bootstrap.server", "did you mean HOOKLINE_KAFKA_BOOTSTRAP_SERVERS?"),
        ("security.protcol", "did you mean HOOKLINE_KAFKA_SECURITY_PROTOCOL?"),
        ("token.frm", "did you mean HOOKLINE_KAFKA_TOKEN_FROM?"),
        ("sasl.pasword.file", "did you mean HOOKLINE_KAFKA_SASL_PASSWORD_FILE?"),
        ("zzz", "take it away"),
    ],
)
def test_a_property_that_is_none_is_refused_with_the_one_it_is_most_like(name: str, meant: str) -> None:
    properties = client_properties(Settings(kafka={"bootstrap.servers": "127.0.0.1:1", name: "x"}))
    with pytest.raises(ConfigurationError) as caught:
        build(Producer, properties)
    assert meant in str(caught.value)


def test_a_misspelt_address_of_kafka_is_named_also_where_no_other_is_given() -> None:
    with pytest.raises(ConfigurationError, match="there is only HOOKLINE_KAFKA_BOOTSTRAP_SERVER, "):
        client_properties(Settings(kafka={"bootstrap.server": "127.0.0.1:1"}))


def test_log_level_keeps_its_underscore() -> None:
    assert client_properties(settings(log_level="3"))["log_level"] == "3"


def test_a_fatal_error_is_told_from_one_that_passes() -> None:
    passing = broken(KafkaError(KafkaError._TRANSPORT), "asking")
    assert isinstance(passing, KafkaBroken)
    assert not isinstance(passing, KafkaFatal)
    assert passing.code == "_TRANSPORT"
    assert str(passing).startswith("asking: ")
    assert isinstance(broken(KafkaError(KafkaError._FATAL, "x", fatal=True)), KafkaFatal)
    assert isinstance(broken(KafkaError(KafkaError.FENCED_INSTANCE_ID, "x", fatal=True)), KafkaFatal)
    # What a client answers that had met a fatal error before: librdkafka does not mark it.
    assert isinstance(broken(KafkaError(KafkaError._FATAL, "x")), KafkaFatal)


def test_a_consumers_property_is_no_warning_of_each_producer(caplog: pytest.LogCaptureFixture) -> None:
    """The chart sets one."""
    properties = client_properties(settings(session_timeout_ms="30000"))
    producer = build(Producer, properties)
    producer.poll(0.5)
    assert "session.timeout.ms" not in caplog.text
