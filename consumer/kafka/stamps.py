"""Whose offset a commit is: the topic's id stands in front of its metadata.

    dQmx8TASQY+dkTnKjl4NBQ;v2|1042|9f0c2b7a|g|Aw8B…|
    └─ the id of the topic that was read     └─ the rest, or nothing

The law: an offset that was committed of one topic is never taken for one of another of the same name.
"""

_BETWEEN = ";"


def stamped(topic_id: str | None, metadata: str) -> str:
    """The metadata to commit; as it is where the topic's id is not known."""
    return metadata if topic_id is None else f"{topic_id}{_BETWEEN}{metadata}"


def read(metadata: str) -> tuple[str | None, str]:
    """The topic's id, and the rest. An offset that somebody else has set has no id."""
    topic_id, between, rest = metadata.partition(_BETWEEN)
    return (topic_id, rest) if between else (None, metadata)
