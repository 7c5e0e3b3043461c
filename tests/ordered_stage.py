"""A core that is both roles of an ordered delivery's way, and a Kafka that takes what is written at once."""

from dataclasses import replace

from msgspec import structs

from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery
from consumer.delivery.intake import Content
from consumer.delivery.limits import START_AT_ONCE
from consumer.delivery.lined_up import OrderedLook, OrderedSeen, seen_of
from consumer.delivery.offsets import Position
from consumer.delivery.order_partition import DELAY
from consumer.delivery.standing import Standing
from consumer.delivery.step import Bury, LineUp, Step, Suspend
from consumer.events.event import Event, Record, RecordHeaders, SchemaNeeded
from consumer.signing.request import Request
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, ORDERED, event, response, rules, subscription, target_of

EVENTS = ("events", 0)
LINES = (ORDERED, 0)
STANDING = Standing(number=1, permits=None, places=None, pace_per_s=0.0, horizon_ms=0.0, waiting=0, until_ms=0.0)


class Bench:
    """A core that reads events and the ordered topic, and Kafka, which takes what is written at once.

    `asks`: it is told how far it has come with the ordered topic, as the role `deliver` is told of `retry`.
    """

    def __init__(self, *subscriptions: Subscription, shared: bool = False, asks: bool = False) -> None:
        self.asks = asks
        self.look: OrderedLook | None = None
        self.knows_nothing = False  # for now: what is asked of the ordered topic is not answered
        self.shared = shared  # other processes send to the same endpoints
        self.subscriptions = subscriptions or (subscription(ordering="key"),)
        self.contents: dict[tuple[tuple[str, int], int], Content] = {}
        self.log: list[Delivery] = []
        self.headers: dict[int, RecordHeaders] = {}
        self.buried: list[Bury] = []
        self.suspended: list[Subscription] = []
        self.version = 1
        self.checked: list[str] = []  # deliveries that were handed over: nobody accepted them
        self.sent: dict[str, int] = {}  # tokens, by the event's id
        self.now_ms = NOW_MS
        self.start({EVENTS: Position(0), LINES: Position(0)})
        self.known = True
        self.told: list[int] = []  # how many keys have stopped, as each report tells it

    def start(self, positions: dict[tuple[str, int], Position]) -> None:
        known = (lambda _key, _partitions: 0) if self.asks else None
        self.core = Core(replace(rules(), shared=self.shared), decode=self.decode, target=target_of, partition_of=known)
        self.core.assigned(positions)
        self.lined = positions[LINES].offset

    def decode(self, record: Record) -> Content:
        return self.contents[(record.topic, record.partition), record.offset]

    def publish(self, key: bytes | None, content: Event | SchemaNeeded, offset: int) -> None:
        self.contents[EVENTS, offset] = content
        self.core.records(self.now_ms, [record(EVENTS, offset, key)])

    def turn(self, *, after_ms: int = 0, most: int = START_AT_ONCE) -> list[str]:
        """Turn until nothing more happens; the ids of the events that are sent now."""
        self.now_ms += after_ms
        sent: list[str] = []
        for _ in range(8):
            step = self.core.next(self.now_ms, self.now_ms, most=most)
            for tenant in step.load if self.known else ():
                loaded = Loaded(version=str(self.version), subscriptions=self.subscriptions)
                self.core.loaded(self.now_ms, tenant, loaded)
            self._write(step)
            self.checked += step.check
            for name in step.check:
                self.core.checked(self.now_ms, name, succeeded=False)
            self.look = step.ordered or self.look
            if not self.knows_nothing:
                self.tell()
            self.told += [report.blocked for report in step.reports]
            for report in step.reports:
                self.core.standing(self.now_ms, report.subscription_id, STANDING)
            for token, request in step.send:
                sent.append(_event_of(request))
                self.sent[sent[-1]] = token
            while self.lined < len(self.log):
                line = self.log[self.lined]
                self.contents[LINES, self.lined] = structs.replace(line, tier=-1)
                assert line.order is not None
                headers = self.headers.get(self.lined, ())
                self.core.records(self.now_ms, [record(LINES, self.lined, line.order.encode(), headers)])
                self.lined += 1
        return sent

    def change(self, *subscriptions: Subscription) -> None:
        """What the cache answers from now on."""
        self.subscriptions = subscriptions
        self.version += 1

    def _write(self, step: Step) -> None:
        for token, write in step.write:
            place = None
            if isinstance(write, LineUp):
                place = (LINES[1], len(self.log))
                if write.delay_ms:
                    self.headers[len(self.log)] = ((DELAY, b"%d" % write.delay_ms),)
                self.log.append(write.delivery)
            elif isinstance(write, Suspend):
                self.suspended.append(write.subscription)
                self.change(write.subscription)
            else:
                assert isinstance(write, Bury), write
                self.buried.append(write)
            self.core.acknowledged(token, place)

    def tell(self) -> None:
        """Answer what was asked of the ordered topic."""
        look, self.look = self.look, None
        if look is not None:
            self.core.ordered_seen(self.seen(look))

    def tell_nothing(self) -> None:
        """Nobody could be asked."""
        look, self.look = self.look, None
        assert look is not None
        self.core.ordered_seen(OrderedSeen(token=look.token))

    def seen(self, look: OrderedLook) -> OrderedSeen:
        """What is committed of the ordered topic, which is at once, and where it ends."""
        committed = self.core.positions().get(LINES)
        return OrderedSeen(token=look.token, partitions=(seen_of(committed, len(self.log) if look.ends else None),))

    def line_up(self, made: Delivery, *headers: tuple[str, bytes]) -> None:
        """A replay is written to the ordered topic."""
        self.headers[len(self.log)] = headers
        self.log.append(made)

    def answer(self, event_id: str, status: int = 200) -> None:
        self.core.answered(self.now_ms, self.sent.pop(event_id), response(status))


def record(partition: tuple[str, int], offset: int, key: bytes | None, headers: RecordHeaders = ()) -> Record:
    """One of them, without its bytes."""
    return Record(
        topic=partition[0],
        partition=partition[1],
        offset=offset,
        key=key,
        value=b"",
        headers=headers,
        timestamp_ms=NOW_MS,
    )


def _event_of(request: Request) -> str:
    return dict(request.headers)["webhook-id"]


def events(*names: str) -> list[Event]:
    """Events of these ids, at the offsets 0, 1 and so on."""
    return [event(name, offset=offset) for offset, name in enumerate(names)]
