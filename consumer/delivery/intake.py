"""The consumed records until they can go on: decoded, held until due, or waiting for their schema.

The laws: a record is begun once under an assignment; and what is neither an event nor a delayed delivery ends here.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, assert_never

from consumer.delivery.again import Found
from consumer.delivery.boundary import Boundaries, Boundary, Bug
from consumer.delivery.budget import DEFAULT, RECORD_BYTES, Budget
from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.endings import Endings
from consumer.delivery.entry import Entry
from consumer.delivery.hold import Delayed, Erased, Hold, Leader, Newer
from consumer.delivery.left import Admission
from consumer.delivery.lining_up import LiningUp
from consumer.delivery.mark import Place
from consumer.delivery.offsets import Partition, Window
from consumer.delivery.order import Order
from consumer.delivery.order_partition import due_ms, goes_before, line_of
from consumer.delivery.pausing import WINDOW_MOST, Pausing
from consumer.delivery.repeats import Repeats, Turn
from consumer.delivery.schedule import Schedule
from consumer.delivery.schemas_wanted import SchemasWanted
from consumer.delivery.windows import Windows
from consumer.events.event import Decoded, Event, Poison, Record, SchemaNeeded, Tombstone
from consumer.events.reasons import PoisonReason
from consumer.telemetry.count import Dropped

Content: TypeAlias = Decoded | Delayed | Newer | Erased  # of a record of an event topic, of a delay topic

_DEADLY = Poison(
    reason=PoisonReason.DEADLY,
    detail="three processes in a row died while they worked on this: please report it",
)


class Intake:
    """What is taken in of the assigned partitions, and what is held back of it. `decode` reads one record."""

    def __init__(
        self,
        schedule: Schedule,
        endings: Endings,
        repeats: Repeats,
        decode: Callable[[Record], Content],
        boundaries: Boundaries,
        *,
        windows: Windows,
        order: Order,
        lining_up: LiningUp,
        hold: Hold,
        budget: Budget = DEFAULT,
    ) -> None:
        self._schedule = schedule
        self._windows = windows
        self._order = order
        self._lining_up = lining_up
        self._now_ms = 0
        self._repeats = repeats
        self._endings = endings
        self._decode = decode
        self._mark = boundaries.mark
        self._boundaries = boundaries
        self._hold = hold
        self._behind: list[tuple[Entry, Delayed]] = []  # due, while another record of the same delivery is under way
        self._schemas = SchemasWanted(budget.held)
        self._innocent: list[Place] = []
        self.pausing = Pausing(
            schedule, windows=windows, order=order, hold=hold, schemas=self._schemas, taken_bytes=budget.taken
        )

    def lost(self, partitions: Iterable[Partition]) -> None:
        """These partitions are not ours any more."""
        self.pausing.forget(self._windows.lost(partitions))
        self._hold.drop_closed()
        self._schemas.drop_closed()
        self._order.lost()
        self._lining_up.drop_closed()
        self._behind = [each for each in self._behind if not each[0].window.closed]

    def rewound(self, partition: Partition) -> None:
        """A new log, a new window. What is under way of the old one still ends as it should, but moves no offset."""
        former = self._windows.rewound(partition)
        if former is not None:
            self.pausing.forget([former])

    def records(self, now_ms: int, batch: Iterable[Record]) -> Iterator[tuple[Entry, Event]]:
        """Take records in; the events among them can go on."""
        self._now_ms = now_ms
        windows = self._windows.of
        window, topic, partition = None, "", -1
        room = 0  # of the window: so many records may be begun before it has to be looked at again
        for record in batch:
            if record.partition != partition or record.topic != topic:
                topic, partition, room = record.topic, record.partition, 0
                window = windows.get((topic, partition))
            if window is None or not window.begin(record.offset, record.key, record.timestamp_ms):
                continue
            if (
                window.beside is not None
                and not goes_before(record)
                and self._order.left.passes_by(now_ms, window, line_of(record), record.offset)
            ):
                window.finish(record.offset)
                continue
            room -= 1
            if room <= 0:
                room = WINDOW_MOST - window.unfinished
                if room <= 0:
                    self.pausing.pause(window)
            value = record.value
            entry = Entry(window, record.offset, RECORD_BYTES if value is None else RECORD_BYTES + len(value))
            event = self._decoded(entry, record)
            if event is not None:
                yield entry, event

    def schema_answered(self, schema_id: int) -> Iterator[tuple[Entry, Event]]:
        """The registry has answered: the events that waited for this schema can go on."""
        for entry, record in self._schemas.take(schema_id):
            event = None if entry.window.closed else self._decoded(entry, record)
            if event is not None:
                yield entry, event

    def read_again(self, now_ms: int, found: Found) -> None:
        """What was left in the log of the ordered topic is lined up now, as far as it was found and there is room."""
        self._now_ms = now_ms
        window, left = found.again.window, self._order.left
        if not left.expects(found.again):
            return
        ends = dict(found.ends)
        for stretch, record in found.records:
            if goes_before(record) or record.offset >= ends[stretch.scope]:
                continue  # it was never left: it was taken in when it came; or this one is full
            admission = left.admits(window, stretch, line_of(record), record.offset)
            if admission is Admission.FULL:
                ends[stretch.scope] = record.offset
            elif admission is Admission.TAKEN:
                window.reopen(record.offset)
                self._decoded(Entry(window, record.offset, _size(record)), record)
        left.read(now_ms, found, ends)

    def due(self, now_ms: int, steady_ms: int, most: int) -> list[tuple[Entry, Delayed]]:
        """What was held and is due by its broker's clock, and has its slot."""
        due, self._behind = self._behind, []
        return [each for each in due + self._hold.take(steady_ms, now_ms, most) if self._goes(*each)]

    def forward(self, taken: Iterable[tuple[Entry, Delivery]]) -> list[tuple[Entry, Delivery]]:
        """Of these, which were taken before they were due, what may go on: a head of the ordered topic always may."""
        return [each for each in taken if each[0].window.beside is not None or self._goes(*each)]

    def ahead(
        self, window: Window, begins: int, record: Record, may: Callable[[Delivery], bool]
    ) -> tuple[Entry, Delayed] | None:
        """Take in a record before its turn: there is no other of its key from `begins` on and before it.

        None where it does not go on: it is left to its turn, or has ended.
        """
        if record.key is None or record.offset < window.read_on_at(record.key):
            return None
        entry = Entry(window, record.offset)
        content = self._in_hand(entry, record)
        goes = may(content) if isinstance(content, Delivery) else not isinstance(content, Newer)
        if not window.begin_ahead(record.key, begins, record.offset, goes=goes):
            return None
        entry.weigh(_size(record))
        match content:
            case Delivery():
                if self._repeats.is_repeat(entry, content):
                    self._endings.drop(entry, "repeat")
                    return None
                return (entry, content) if self._goes(entry, content) else None
            case Chunk():
                entry.record = record if content.unmatched else None
                return entry, content
            case Tombstone() | Erased():
                self._endings.drop(entry, _why_nothing(content))
            case Poison():
                self._endings.reject(entry, record, content)
            case Bug():
                self._endings.reject(entry, record, content.poison)
            case Event() | SchemaNeeded() | Newer():
                raise AssertionError("only delay topics are read ahead, and of them what is known")
            case _:
                assert_never(content)
        return None

    def next_due_ms(self, now_ms: int, steady_ms: int) -> int | None:
        """When the next held record is due, by our clock."""
        return self._hold.next_due_ms(steady_ms, now_ms)

    @property
    def held(self) -> frozenset[Leader]:
        """The leaders of which records are held."""
        return self._hold.leaders

    @property
    def waiting(self) -> bool:
        """Whether records wait for a schema."""
        return bool(self._schemas)

    def schemas_asked(self) -> list[int]:
        """The schemas to ask the registry for that were not asked for yet."""
        return self._schemas.asked()

    def overdue_ms(self, steady_ms: int) -> int:
        """For how long what is held and due longest waits to be begun."""
        return self._hold.overdue_ms(steady_ms)

    def forgive(self) -> None:
        """What was in hand when a process died, and has ended since, is suspected no longer.

        One turn after it ended: its attempt is encoded in between, and may be what kills.
        """
        for place in self._innocent:
            self._mark.forgive(place)
        self._innocent = [place for place in self._mark.suspects if self._has_ended(place)]

    def _has_ended(self, place: Place) -> bool:
        partition, offset = place
        window = self._windows.of.get(partition)
        return window is not None and window.has_ended(offset)

    # ── one record ───────────────────────────────────────────────────────────────────────────────────────────────

    def _decoded(self, entry: Entry, record: Record) -> Event | None:
        """The event to go on with; everything else is held, waits or ends here."""
        content = self._in_hand(entry, record)
        match content:
            case Event():
                self._endings.counts["events"] += 1
                entry.record = record
                return content
            case Delivery() | Chunk():
                self._keep(entry, record, content)
            case Tombstone() | Erased():
                self._endings.drop(entry, _why_nothing(content))
                self._lining_up.matched(entry)
            case Poison():
                self._endings.reject(entry, record, content)
                self._lining_up.matched(entry)
            case Bug():
                self._endings.reject(entry, record, content.poison)
                self._lining_up.matched(entry)
            case SchemaNeeded(schema_id=schema_id):
                self._lining_up.waits(entry, None)
                self._schemas.put(schema_id, entry, record)
                if self._schemas.is_full(entry.window):
                    self.pausing.pause(entry.window)
            case Newer():
                pass  # it stays unfinished
            case _:
                assert_never(content)
        return None

    def _in_hand(self, entry: Entry, record: Record) -> Content | Bug:
        """Decode with the record in hand; what killed three processes before is not touched again."""
        if self._mark.condemned and (entry.window.partition, entry.offset) in self._mark.condemned:
            self._boundaries.let_go()
            return _DEADLY
        self._boundaries.take(entry)
        try:
            return self._decode(record)
        except Exception as error:  # noqa: BLE001 # contained
            return self._boundaries.met(Boundary.DECODE, entry, error)

    def _keep(self, entry: Entry, record: Record, delayed: Delayed) -> None:
        """Hold a record of a delay topic until it is due, unless it is a repeat; line up one of the ordered topic."""
        if entry.window.beside is not None and isinstance(delayed, Delivery):
            now_ms, name, before = self._now_ms, line_of(record), goes_before(record)
            due = due_ms(record, now_ms)
            if not self._order.put(now_ms, entry, delayed, name, entry.size, before=before, due_ms=due):
                self._endings.count_drop("repeat")
            return
        due = record.timestamp_ms + self._schedule.delays_ms[delayed.tier]
        if isinstance(delayed, Delivery):
            if self._repeats.is_repeat(entry, delayed):
                self._endings.drop(entry, "repeat")
                return
            if delayed.slot_ms is None:
                due += self._schedule.jitter_ms(delayed.id, delayed.tier)
        elif delayed.unmatched:
            entry.record = record  # until it is matched
        leader = (record.topic, record.partition, record.leader_epoch)
        self._hold.put(entry, delayed, leader=leader, due_ms=due, size=entry.size)
        if self._hold.is_full(entry.window):
            self.pausing.pause(entry.window)

    def _goes(self, entry: Entry, delayed: Delayed) -> bool:
        if isinstance(delayed, Chunk):
            return True
        turn = self._repeats.turn(entry, delayed)
        if turn is Turn.REPEAT:
            self._endings.drop(entry, "repeat")
        elif turn is Turn.WAITS:
            self._behind.append((entry, delayed))
        return turn is Turn.GOES


def _why_nothing(content: Tombstone | Erased) -> Dropped:
    """Why such a record comes to nothing."""
    return "tombstone" if isinstance(content, Tombstone) else "erased"


def _size(record: Record) -> int:
    """What it weighs on its way."""
    return RECORD_BYTES + len(record.value or b"")
