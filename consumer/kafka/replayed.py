"""The jobs topic: how often each dead letter was replayed.

The law: the last generation of a delivery's id is the truth. Who replays writes it together with the replay that it
counts (`replay.ledger`).
"""

from typing import Final

from consumer.kafka.records import Replay, decode_replay, encode_replay
from consumer.kafka.state_kind import StateKind
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings

_REPLAY: Final = StateKind(b"replay:")


def read_replays(settings: Settings) -> dict[str, Replay]:
    """The latest generation of every dead letter that was ever replayed, by its delivery's id.

    Raises:
        KafkaBroken: the topic could not be read to its end.
        RecordCorrupt: a record under such a key is none; counting on without it would replay twice.
    """
    return _REPLAY.read_all(settings, Topics.of(settings).jobs, decode_replay)


def replayed_of(key: bytes | None) -> str | None:
    """The delivery's id, where a record's key says that it counts replays; None for the other kinds of the topic."""
    return _REPLAY.name_of(key)


def forgotten_replay(topic: str, chain: str) -> NewRecord:
    """The record that deletes a chain's from the jobs topic."""
    return _REPLAY.forgotten(topic, chain)


def replay_record(settings: Settings, replay: Replay) -> NewRecord:
    """The record that counts a replay."""
    key = _REPLAY.key_of(replay.delivery_id)
    return NewRecord(topic=Topics.of(settings).jobs, key=key, value=encode_replay(replay))
