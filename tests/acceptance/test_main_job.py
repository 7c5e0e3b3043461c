"""The main job, whole: events in every format to webhooks of every kind at endpoints of every temper, through a crash.

What a crash may cost: a duplicate of what the killed process had unfinished, that is, of events at or after the offset
it had committed when it died, and which had arrived at least once before its successor began.
"""

from collections.abc import Collection
from dataclasses import replace

import pytest

from consumer.webhooks.subscription import PayloadFormat
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Form, Happening, Hook, Published, owed
from tests.acceptance.hookline import Hookline
from tests.acceptance.ledger import Pair, Promises, judge, shown
from tests.acceptance.receipts import Receiver
from tests.acceptance.receiver import Temper
from tests.acceptance.stage import Position, Stage

EVENTS = 12_000
TENANTS = 10
PARTITIONS = 8
TYPES = ("order.created", "order.updated.price", "user.created", "orders", "invoice.paid")
PRODUCTS = ("crm", "shop", None)
RETRY_FOR = "20s"
WAIT_FOR = "40s"
WITHIN_S = 140
LIMITED_PER_S = 10.0  # below what a slow machine sends it
PUBLISHED_MS = 1_790_000_000_123


def happenings() -> list[Happening]:
    """Every format, type, product and tenant with every other; one of five without an id or a time of its own."""
    forms = list(Form)
    return [
        Happening(
            n=n,
            tenant=f"tenant-{n % TENANTS}",
            form=(form := forms[n // TENANTS % len(forms)]),
            type=TYPES[n // TENANTS // len(forms) % len(TYPES)],
            product=PRODUCTS[n // 3 % len(PRODUCTS)],
            id=None if n % 5 == 0 and "CLOUDEVENTS" not in form.name else f"evt_{n}",
            time_ms=None if n % 5 == 1 else PUBLISHED_MS + n,
        )
        for n in range(EVENTS)
    ]


def hooks() -> list[Hook]:
    """Five webhooks for each tenant, one of each kind; the tempers spread over tenants and kinds."""
    expensive = '{"kind": ["b"], "amount": [{"numeric": [">=", 50]}]}'
    kinds = {
        "exact": Hook(name="", tenant="", event_types=("order.created",)),
        "prefix": Hook(name="", tenant="", event_types=("order.*",), payload_format=PayloadFormat.EVENT),
        "all": Hook(name="", tenant="", event_types=("*",)),
        "filter": Hook(
            name="",
            tenant="",
            filter_json=expensive,
            passes=lambda happening: happening.kind == "b" and happening.amount >= 50,
        ),
        "product": Hook(name="", tenant="", product="crm", payload_format=PayloadFormat.RAW),
    }
    tempers = {
        (0, "exact"): Temper.DEAD,
        (1, "exact"): Temper.GONE,
        (2, "exact"): Temper.HANGING,
        (3, "prefix"): Temper.FLAKY,
        (4, "filter"): Temper.FLAKY,
        (5, "product"): Temper.LIMITED,
        (6, "exact"): Temper.SLOW,
        (7, "prefix"): Temper.GONE,
        (8, "product"): Temper.HANGING,
        (9, "filter"): Temper.DEAD,
    }
    return [
        replace(
            kind,
            name=f"{temper}-{name}-{number}",
            tenant=f"tenant-{number}",
            temper=temper,
            timeout_ms=1_000 if temper is Temper.HANGING else 10_000,
            rate_per_s=LIMITED_PER_S,
        )
        for number in range(TENANTS)
        for name, kind in kinds.items()
        for temper in [tempers.get((number, name), Temper.HEALTHY)]
    ]


@pytest.mark.serial
def test_every_pair_is_accepted_or_buried_once_whatever_dies(build_stage: BuildStage, registry_url: str) -> None:
    options = {"HOOKLINE_RETRY_FOR": RETRY_FOR, "HOOKLINE_WAIT_FOR": WAIT_FOR}
    stage = build_stage(registry_url=registry_url, partitions=PARTITIONS, options=options)
    webhooks = hooks()
    assert len(webhooks) == 50
    with (
        stage.receiving(webhooks) as receiver,
        stage.running("--processes", "2") as running,
        stage.publisher() as publisher,
    ):
        running.assigned("deliver", times=2)
        publisher.publish(happenings())
        published = publisher.flush()
        assert len(published) == EVENTS
        promises = owed(published, webhooks)
        at_kill, seen_at_kill = _kill_in_the_middle(stage, running, receiver, promises)

        # Nothing may come afterwards either: all that was written is done, and the processes drain.
        stage.await_end(running, receiver, promises, within_s=WITHIN_S)
        assert running.stop()[0] == 0, running.tail
        receiver.read()
        final = judge(promises, receiver.receipts, stage.buried(), stage.tried(), stage.waited())
        assert len(running.said("process ended", of="deliver", code=-9)) == 1

    assert final.broken() == ""
    redone = _unfinished_at(at_kill, published, promises)
    _only(final.duplicates, redone, "duplicates of what was finished before the kill")
    _only(final.accepted_and_buried, redone, "accepted and buried without a crash in between")
    # What had arrived of unfinished events, and what was under way and had not been seen to arrive yet.
    assert len(final.duplicates) <= len(seen_at_kill & redone) + stage.settings.max_in_flight
    _tempers_had_their_way(stage, promises, receiver)


def _kill_in_the_middle(
    stage: Stage, running: Hookline, receiver: Receiver, promises: Promises
) -> tuple[dict[int, Position], set[Pair]]:
    """SIGKILL a deliver process once a quarter is delivered; what was committed then, and what had arrived."""
    quarter = len(promises.bodies) // 4

    def accepted() -> int:
        receiver.read()
        return sum(receipt.accepted for receipt in receiver.receipts)

    until(
        lambda: accepted() > quarter,
        within_s=60,
        missing=lambda: f"{accepted()} of {quarter} accepted\n{running.tail}",
    )
    running.kill("deliver", 0)
    positions = {place[1]: each for place, each in stage.positions("deliver", [stage.event_topic]).items()}
    running.until_said("process started", of="deliver", of_slot=0, times=2, within_s=10)
    receiver.read()
    return positions, {(receipt.webhook_id, receipt.endpoint) for receipt in receiver.receipts}


def _unfinished_at(positions: dict[int, Position], published: list[Published], promises: Promises) -> set[Pair]:
    """The pairs of events that were not committed as finished."""
    redone = {event.webhook_id for event in published if not positions[event.partition].has_done(event.offset)}
    return {pair for pair in promises.bodies if pair[0] in redone}


def _only(found: Collection[Pair], allowed: set[Pair], what: str) -> None:
    wrong = set(found) - allowed
    assert not wrong, f"{len(wrong)} {what}: {shown(wrong)}"


def _tempers_had_their_way(stage: Stage, promises: Promises, receiver: Receiver) -> None:
    """Each temper was met, and ended as it should."""
    accepted = {(receipt.webhook_id, receipt.endpoint) for receipt in receiver.receipts if receipt.accepted}
    reasons: dict[str, set[str]] = {}
    for each in stage.buried():
        reasons.setdefault(each.pair[1].partition("-")[0], set()).add(each.reason)
    # A breaker that opens lets some of an endpoint's deliveries wait until their time is over, before their first try.
    assert reasons.pop("limited", set()) <= {"exhausted", "expired", "waited"}
    assert "exhausted" in reasons["dead"]
    assert reasons.pop("dead") | reasons.pop("hanging") <= {"exhausted", "expired", "waited"}
    assert reasons == {"gone": {"gone", "suspended"}}
    for temper in ("healthy", "flaky", "slow"):
        owed_here = {pair for pair in promises.bodies if pair[1].startswith(temper)}
        assert owed_here <= accepted, shown(owed_here - accepted)
    assert not any(pair[1].startswith(("dead", "gone", "hanging")) for pair in accepted)
    statuses = {receipt.status for receipt in receiver.receipts if receipt.endpoint.startswith("limited")}
    assert statuses == {200, 429}
