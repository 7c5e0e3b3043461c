"""What a broker answers to an admin client, which gives a future for it.

The law: no answer in time is an error of Kafka's like any other. The client itself says so at its own timeout; but a
process that stood still for longer (stopped, or on a machine that was) finds its own wait over before it can hear that.
"""

from typing import Protocol, TypeVar

from confluent_kafka import KafkaError, KafkaException

_Answer_co = TypeVar("_Answer_co", covariant=True)
_Answer = TypeVar("_Answer")


class Answering(Protocol[_Answer_co]):
    """A future of an admin client."""

    def result(self, timeout: float) -> _Answer_co: ...


def answer_of(asked: Answering[_Answer], timeout_s: float) -> _Answer:
    """The answer.

    Raises:
        KafkaException: the broker refused, or there was no answer in time.
    """
    try:
        return asked.result(timeout_s)
    except TimeoutError:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from None  # noqa: SLF001 # librdkafka's local code
