"""The index of the delivery log holds what its topic holds, and the world that tries it finds what is planted."""

from collections.abc import Iterable

import pytest

from consumer.log.entry import offset_of
from consumer.log.index import Bounds, Index, Interval, Lists, Name
from consumer.log.indexing import Ask, Indexing, Prepend
from tests.log_index.world import Differs, run

SEEDS = range(60)


def _differences() -> list[str]:
    found: list[str] = []
    for seed in SEEDS:
        try:
            run(seed)
        except Differs as difference:
            found.append(str(difference))
    return found


def test_no_list_ever_differs_from_the_topic() -> None:
    assert _differences() == []


def test_a_history_goes_through_fills_cuts_and_losses() -> None:
    worlds = [run(seed) for seed in range(20)]
    indexes = [(world, index) for world in worlds for index in world.indexes]
    assert any(index.floors for _, index in indexes)
    assert any(index.interval is None for _, index in indexes)
    assert any(index.interval and index.interval.first <= world.start < index.interval.end for world, index in indexes)


def test_an_append_that_skips_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def take(self: Indexing, offset: int, bucket: int, name: Name, packed: bytes) -> None:
        self.position = offset + 1
        self._pending.setdefault(bucket, {}).setdefault(name, []).append(packed)

    monkeypatch.setattr(Indexing, "take", take)
    assert _differences()


def test_a_fill_that_overlaps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def filled(self: Indexing, first: int, attempts: Iterable[tuple[int, int, Name, bytes]]) -> list[Ask]:
        below: dict[int, dict[Name, list[bytes]]] = {}
        for _, bucket, name, packed in attempts:
            below.setdefault(bucket, {}).setdefault(name, []).append(packed)
        return [
            Prepend(bucket=bucket, known=stand, first=first, entries=below.get(bucket, {}))
            for bucket, stand in self.stands.items()
            if first < stand.first
        ]

    monkeypatch.setattr(Indexing, "filled", filled)
    assert _differences()


def test_an_interval_that_rises_over_a_gap_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    @classmethod  # type: ignore[misc]
    def assigned(cls: type[Indexing], buckets: int, found: dict[int, Interval], end: int) -> Indexing:
        return cls(buckets=buckets, position=end, stands=dict(found))

    monkeypatch.setattr(Indexing, "assigned", assigned)
    assert _differences()


def test_a_script_that_does_not_look_at_the_interval_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Index.append

    def append(self: Index, known: Interval, end: int, entries: Lists, bounds: Bounds) -> Interval | None:
        if self.interval is None:
            return None
        self.interval = known
        return honest(self, known, end, entries, bounds)

    monkeypatch.setattr(Index, "append", append)
    assert _differences()


def test_times_that_fall_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.log.index.moved", lambda packed, _: packed)
    assert _differences()


def test_a_fill_below_what_was_cut_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepend(self: Index, known: Interval, first: int, entries: Lists, bounds: Bounds) -> Interval | None:
        found = self.interval
        if found == known:
            for name, old in entries.items():
                kept = self.lists.setdefault(name, [])
                room = max(0, bounds.of(name.kind) - len(kept))
                fits = old[max(0, len(old) - room) :]
                if fits and name not in self.floors and len(fits) < len(old):
                    self.floors[name] = offset_of(fits[0])
                kept[:0] = fits
            self.interval = Interval(first=first, end=known.end)
        return found

    monkeypatch.setattr(Index, "prepend", prepend)
    assert _differences()
