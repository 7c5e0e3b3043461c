"""What chaos says of ordered webhooks."""

import pytest

from tests.acceptance.happenings import Happening, Hook, Published
from tests.chaos.ordered import InOrder, in_order

HOOKS = [Hook(name="by-kind", tenant="acme", ordering="data.kind"), Hook(name="beside", tenant="acme")]


def published(n: int, *, partition: int = 0, offset: int | None = None) -> Published:
    return Published(
        happening=Happening(n=n, id=f"evt-{n}", type="a", tenant="acme"),
        partition=partition,
        offset=n if offset is None else offset,
        webhook_id=f"evt-{n}",
        time_ms=n,
    )


def of(
    arrived_ms: dict[int, list[int]], *, buried: tuple[int, ...] = (), events: tuple[Published, ...] = ()
) -> InOrder:
    arrivals = {(f"evt-{n}", hook.name): times for n, times in arrived_ms.items() for hook in HOOKS}
    chosen = events or tuple(published(n) for n in arrived_ms)
    return in_order(chosen, HOOKS, arrivals, {(f"evt-{n}", "by-kind") for n in buried})


def test_what_comes_in_its_order_is_fine_also_at_once_and_again() -> None:
    assert of({0: [5, 50], 1: [10], 2: [10]}) == InOrder(looked_at=3, overtaken=[])


def test_what_was_accepted_after_a_later_one_is_found() -> None:
    assert of({0: [5], 1: [30], 2: [10], 3: [20]}).overtaken == [("evt-1", "by-kind")]


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((published(0), published(1, partition=1), published(2)), id="another partition"),
        pytest.param((published(0), published(1), published(1, offset=9), published(2)), id="twice in the log"),
    ],
)
def test_what_has_no_order_is_not_asked_about(events: tuple[Published, ...]) -> None:
    assert of({0: [5], 1: [30], 2: [10]}, events=events).overtaken == []


def test_another_key_and_what_was_dead_lettered_are_not_asked_about() -> None:
    assert of({6: [30], 7: [10]}).overtaken == []  # of the kinds a and b
    assert of({0: [5], 1: [30], 2: [10]}, buried=(1,)) == InOrder(looked_at=2, overtaken=[])
