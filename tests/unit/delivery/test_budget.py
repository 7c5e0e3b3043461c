"""What a process takes in is bounded in bytes, part by part, whatever the sizes."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.budget import MIB, PROGRAM_BYTES, RECORD_BYTES, Brim, Budget
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Taken, Window


@given(memory=st.integers(96, 100_000), largest=st.integers(1, 128))
def test_the_parts_come_to_the_whole_and_each_has_room_for_the_largest_record(memory: int, largest: int) -> None:
    budget = Budget.of(memory * MIB, largest * MIB)
    # Records stand in librdkafka's queue and in ours, attempts in two queues.
    queues = 2 * budget.written + 2 * budget.logged + budget.fetched
    parts = budget.views + budget.taken + budget.surplus + budget.held + budget.under_way
    floors = (2 * 2 + 2 * 2 + 1) * largest * MIB
    assert parts + queues + PROGRAM_BYTES <= memory * MIB + floors
    assert min(budget.written, budget.logged) >= 2 * largest * MIB
    assert budget.fetched >= largest * MIB
    if memory >= 150 and largest == 1:
        assert parts + queues + PROGRAM_BYTES <= memory * MIB


@given(st.lists(st.integers(0, 100)))
def test_full_is_full_until_half_is_gone(amounts: list[int]) -> None:
    brim, was_full = Brim(60), False
    for amount in amounts:
        is_full = brim.is_full(amount)
        assert is_full == (amount >= 60 or (was_full and amount > 30))
        was_full = is_full


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 10 * MIB), st.booleans()), max_size=30))
def test_what_was_taken_in_weighs_what_its_unfinished_records_weigh(
    records: list[tuple[int, int, int, bool]],
) -> None:
    """(partition, parts, size, whether all parts end); then the first partition goes, and the rest of it ends."""
    taken = Taken()
    windows = [Window(("events", number), taken=taken) for number in range(3)]
    entries: list[Entry] = []
    for offset, (partition, parts, size, _) in enumerate(records):
        windows[partition].begin(offset)
        entry = Entry(windows[partition], offset, RECORD_BYTES + size)
        entry.open = parts
        entries.append(entry)

    def weigh(*, ours: range) -> int:
        return sum(entry.size for entry in entries if entry.open and entry.window.partition[1] in ours)

    assert taken.bytes == weigh(ours=range(3))
    for entry, (_, parts, _, ends) in zip(entries, records, strict=True):
        for _ in range(parts if ends else parts - 1):
            entry.close_one()
    assert taken.bytes == weigh(ours=range(3))
    windows[0].close()
    assert taken.bytes == weigh(ours=range(1, 3))
    for entry in entries:
        while entry.open:
            entry.close_one()
    assert taken.bytes == 0
