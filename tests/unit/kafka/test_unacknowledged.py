import pytest

from consumer.kafka.unacknowledged import Unacknowledged, Write


def write(token: int) -> Write:
    return Write(
        token=token, topic="t", key=b"k", value=b"value", headers=[("h", b"12"), ("n", None)], partition=None, since_s=0
    )


def test_a_record_stays_until_it_ends_and_its_token_is_free_again_then() -> None:
    writes = Unacknowledged()
    first = write(1)
    writes.add(first)
    with pytest.raises(ValueError, match="token 1"):
        writes.add(write(1))
    assert len(writes) == 1
    writes.end(first)
    writes.add(write(1))
    assert len(writes) == 1


def given_room(writes: Unacknowledged) -> list[int]:
    """Those that wait for room, as it comes."""
    found: list[int] = []
    while (crowded := writes.next_crowded) is not None:
        assert writes.is_crowded
        found.append(crowded.token)
        writes.has_room()
    assert not writes.is_crowded
    return found


def test_records_wait_for_room_in_their_order() -> None:
    writes = Unacknowledged()
    assert given_room(writes) == []
    for each in (write(2), write(1)):
        writes.add(each)
        writes.crowd(each)
    assert given_room(writes) == [2, 1]


def test_one_that_failed_is_due_after_a_pause_that_grows() -> None:
    writes, each = Unacknowledged(), write(1)
    writes.add(each)
    for pause_s in (0.1, 0.2, 0.4):
        writes.failed(each, 100.0)
        assert writes.next_due(100.0 + pause_s - 0.01) is None
        assert writes.next_due(100.0 + pause_s) is each
    assert writes.next_due(1_000.0) is None
    assert len(writes) == 1


def test_a_new_producer_is_given_all_that_is_left_in_the_order_of_its_writing() -> None:
    writes = Unacknowledged()
    for token in (3, 1, 2):
        each = write(token)
        writes.add(each)
        if token == 1:
            writes.failed(each, 0.0)
        else:
            writes.crowd(each)
    writes.begin_anew()
    assert writes.next_due(1_000.0) is None
    assert given_room(writes) == [3, 1, 2]


def test_a_records_size_is_that_of_all_its_parts() -> None:
    assert write(1).size == len(b"k" + b"value" + b"h" + b"12" + b"n")
