"""A live tail of the delivery log: what came since. Pure."""

from collections.abc import Mapping, Sequence

from consumer.log.entry import changes_nothing, delivery_of, unpack
from consumer.log.query import Filter, Position, Row, View
from consumer.log.search import Place


def newer(
    view: View, asked: Filter, read: Mapping[Place, Sequence[bytes]], *, most: int, until: Position, limit: int
) -> tuple[tuple[Row, ...], Position]:
    """Rows that came since, the oldest first, and where to go on from: a live tail's.

    `read` are the entries in front of where it stood, of each list the `most` oldest of them, oldest first. Nothing in
    front of `until` is looked at. A delivery comes again when it was attempted again, unless that changes nothing.
    """
    until = max([until, *(place.position(entries[-1]) for place, entries in read.items() if len(entries) >= most)])
    entries = ((place.position(packed), place, packed) for place, entries in read.items() for packed in entries)
    found = sorted((each for each in entries if each[0] >= until), key=lambda each: each[0], reverse=True)
    last = {delivery_of(packed): at for at, _, packed in found if not changes_nothing(packed)}
    rows: list[Row] = []
    for at, place, packed in found:
        followed = view is View.DELIVERIES and last.get(delivery_of(packed)) != at
        if followed or not asked.could_match(packed) or not asked.matches(entry := unpack(packed)):
            continue
        rows.append(Row(webhook=place.name.webhook, partition=place.partition, entry=entry))
        if len(rows) == limit:
            return tuple(rows), at
    return tuple(rows), until
