"""API keys on the state topic: read whole, and written one at a time, by the API and the command line alike.

The law: the last record of a key is the truth about it, and a key that was written counts for every API process from
its next request on.
"""

from consumer.control.key_directory import KeyDirectory
from consumer.control.key_record import encode, record_key
from consumer.control.keys import ApiKey
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings


def key_record(settings: Settings, key: ApiKey) -> NewRecord:
    """The record that makes this the truth."""
    return NewRecord(topic=Topics.of(settings).state, key=record_key(key.id), value=encode(key))


def write_key(settings: Settings, key: ApiKey) -> None:
    """Write a key, and wait.

    Raises:
        KafkaBroken: not acknowledged in time; it may have been written.
    """
    write_now(settings, [key_record(settings, key)])


def read_keys(settings: Settings) -> KeyDirectory:
    """Every key there is now.

    Raises:
        KafkaBroken: the topic could not be read to its end.
    """
    directory = KeyDirectory()
    for record in read_to_end(settings, Topics.of(settings).state):
        directory.apply(record)
    return directory
