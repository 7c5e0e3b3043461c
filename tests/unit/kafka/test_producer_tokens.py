import pytest

from consumer.kafka.producer import RecordProducer
from consumer.settings import Settings


def test_a_token_is_refused_where_it_is_used_again_before_its_record_is_acknowledged() -> None:
    nobody = Settings(kafka={"bootstrap.servers": "127.0.0.1:1"})
    producer = RecordProducer(nobody, idempotent=False)
    producer.write(7, topic="t", key=None, value=b"1")
    with pytest.raises(ValueError, match="token 7"):
        producer.write(7, topic="t", key=None, value=b"2")
    producer.write(8, topic="t", key=None, value=b"3")
    assert producer.pending == 2
