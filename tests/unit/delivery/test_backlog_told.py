"""A webhook's backlog: what is counted of it, and how its customer is told."""

import json
from dataclasses import replace

import jsonschema_rs
import pytest
from msgspec import structs

from consumer.brands.catalogue import read_catalogue
from consumer.delivery.core import Core
from consumer.delivery.delivery import Chunk
from consumer.delivery.exchange import exchange
from consumer.delivery.offsets import Position
from consumer.delivery.standing import Report, Standing, Tell
from consumer.delivery.state import State
from consumer.delivery.step import Delay, Step
from consumer.events.event import Event, Record
from consumer.schemas import SENT_EVENTS
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Status, Subscription
from tests.deliveries import NOW_MS, delivery, event, rules, subscription, target_of

LIMITED = subscription("limited", rate_per_s=0.001)
WATCHING = replace(subscription("watching"), event_types=("webhook.*",))
OTHERS = [
    replace(subscription("everything"), event_types=("*",)),
    replace(subscription("paused"), event_types=("webhook.behind",), status=Status.PAUSED),
    replace(subscription("other-brand"), event_types=("webhook.behind",), brand="convo"),
]


class Bench:
    """A core whose tenant is known, and whoever keeps the standings."""

    def __init__(self, *webhooks: Subscription) -> None:
        self.now_ms = NOW_MS
        self.webhooks = webhooks
        self.state = State()
        self.reports: list[Report] = []
        self.spilled = 0
        self.core = Core(
            replace(rules(), shared=True), decode=lambda record: event(offset=record.offset), target=target_of
        )
        self.core.assigned({("events", 0): Position(0)})

    def publish(self, number: int) -> None:
        self.core.records(self.now_ms, [record(offset) for offset in range(number)])
        assert self.core.next(self.now_ms, self.now_ms).load
        self.core.loaded(self.now_ms, "acme", Loaded(version="1", subscriptions=self.webhooks))

    def turn(self, after_ms: int = 0) -> Step:
        """A step; what it reports is answered."""
        self.now_ms += after_ms
        step = self.core.next(self.now_ms, self.now_ms)
        for report in step.reports:
            self.reports.append(report)
            self.state, standing = exchange(self.state, "one", report, float(self.now_ms))
            self.core.standing(self.now_ms, report.subscription_id, standing)
        self.spilled += sum(isinstance(write, Delay) for _, write in step.write)
        return step

    def told(self, tell: Tell, telling: int) -> list[tuple[int, Chunk]]:
        """What is written when the standing says that this is to be told."""
        standing = replace(STANDING, tell=tell, telling=telling)
        self.report(standing)
        return chunks(self.core.next(self.now_ms, self.now_ms))

    def report(self, standing: Standing) -> Report:
        """The next report, which this answers."""
        for _ in range(20):
            for report in self.core.next(self.now_ms, self.now_ms).reports:
                self.core.standing(self.now_ms, report.subscription_id, standing)
                return report
            self.now_ms += 100
        raise AssertionError("nothing was reported")


def record(offset: int) -> Record:
    return Record(topic="events", partition=0, offset=offset, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)


def chunks(step: Step) -> list[tuple[int, Chunk]]:
    found = [(token, write.delayed) for token, write in step.write if isinstance(write, Delay)]
    return [(token, each) for token, each in found if isinstance(each, Chunk)]


STANDING = Standing(number=1, permits=None, places=None, pace_per_s=0.0, horizon_ms=0.0, waiting=7, until_ms=90_000.0)


def test_what_waits_for_its_turn_is_counted_with_its_end() -> None:
    bench = Bench(LIMITED)
    bench.publish(20)
    for _ in range(40):
        bench.turn(100)
    assert bench.spilled == 19
    assert bench.state.waiting == 19
    assert bench.state.until_ms > bench.now_ms


def test_a_webhook_of_which_something_is_held_is_listened_for() -> None:
    held = structs.replace(delivery(to="limited"), tier=1)
    core = Core(replace(rules(), shared=True), decode=lambda _: held, target=target_of)
    core.assigned({("retry.1s", 0): Position(0)})
    core.records(NOW_MS, [structs.replace(record(0), topic="retry.1s")])
    assert [each.subscription_id for each in core.next(NOW_MS, NOW_MS).reports] == ["limited"]


@pytest.mark.parametrize("tell", list(Tell))
def test_those_who_ask_for_it_are_told_and_then_it_is_said_that_they_are(tell: Tell) -> None:
    bench = Bench(LIMITED, WATCHING, *OTHERS)
    bench.publish(1)
    [(token, chunk)] = bench.told(tell, 4_001)
    assert chunk.subscription_ids == ("watching",)
    assert chunk.event.type == f"webhook.{tell}"
    entry = next(each for each in read_catalogue(SENT_EVENTS) if each.type == chunk.event.type)
    data = json.loads(chunk.event.data)
    jsonschema_rs.Draft202012Validator(dict(entry.schema), validate_formats=True).validate(data)
    assert isinstance(entry.sample, dict)
    assert entry.sample.keys() == data.keys()
    assert bench.report(replace(STANDING, telling=4_001)).told == 0
    bench.core.acknowledged(token)
    assert bench.report(replace(STANDING, telling=4_001)).told == 4_001
    assert bench.told(tell, 4_001) == [], "it is told already"


def test_a_notice_has_the_same_id_whoever_writes_it_and_another_the_next_time() -> None:
    def notice(telling: int) -> Event:
        bench = Bench(LIMITED, WATCHING)
        bench.publish(1)
        return bench.told(Tell.BEHIND, telling)[0][1].event

    assert notice(4_001).id == notice(4_001).id != notice(4_003).id
