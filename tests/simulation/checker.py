"""The promise, as a judge of the ledger's facts.

The laws:
- each acknowledged event that a webhook wanted is accepted by its endpoint, or is in exactly one dead letter (by
  delivery id), unless the webhook was paused or deleted meanwhile or retention took the record;
- nothing phantom, altered, of another tenant, or before a Retry-After is over; and nothing early, by the broker's
  clock, unless the endpoint has accepted something since it failed;
- a commit never says done of what is not safe: accepted and logged, dead-lettered, or written to go on;
- of a key's events none is first accepted after a later one, but for one that an earlier run may have dropped;
- every request is logged, whether its answer came or not, before its record is said to be done by who sent it;
- a key of a webhook that blocks goes on without its head only when its customer says so;
- only what is odd suffers for it: its record in poison, its webhook's attempts failed;
- a try is spared only where its event was sent again, and accepted;
- a replay that is to go before what waits of its key does, and ends once more: accepted, or a dead letter again;
- an ending more than one is a record that a fault ran again, or an acceptance whose answer was lost;
- a line of a delivery is at most `records_most` records, and for each slot `Schedule.records_for` more.
"""

from collections.abc import Iterable
from functools import lru_cache

from consumer.delivery.ahead_map import named
from consumer.delivery.answer import FailureKind
from consumer.delivery.delivery import DeadLetter, Delivery
from consumer.delivery.done_map import DoneMap
from consumer.delivery.done_map import decode as read_map
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.outcome import DeathReason
from consumer.events.event import Record
from consumer.webhooks.subscription import OnFailure, Subscription
from tests.simulation import odd
from tests.simulation.broker import Log
from tests.simulation.ledger import CHUNK, EVENT, Attempted, Delayed, Ledger, Pair, Place, Published, Session, name_of
from tests.simulation.plan import MINUTE_MS, Plan, records_most
from tests.simulation.webhooks import Webhooks

CLOCKS_APART_MS = 10_000
_MAP_PARTS = 8
_MAP_BEGINS = 80  # what a map keeps free for its version, base and checksum
_OFFSET_CHARS = 8  # five bytes in base64: one offset more, at most
_OF_ITSELF = {DeathReason.EXHAUSTED, DeathReason.EXPIRED, DeathReason.RETRIES_NONE, DeathReason.WAITED}


class Violation(BaseException):
    """The promise was broken. `rule` names the law, `about` what to look for in the history.

    Not an Exception: the product contains those.
    """

    def __init__(self, rule: str, detail: str, *about: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.about = about


class Checker:
    """Judges on the spot what can be, and the rest at the end."""

    def __init__(self, ledger: Ledger, webhooks: Webhooks, plan: Plan) -> None:
        self._ledger = ledger
        self._webhooks = webhooks
        self._plan = plan
        self._accepted_ms: dict[str, int] = {}
        self._last_delay_ms = plan.schedule.delays_ms[-1]

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────

    def sent(self, now_ms: int, pair: Pair, place: Place) -> None:
        """A request left for this pair, because of the record at this place.

        Of two attempts that a fault let start at once nobody can tell whose retry is whose: neither is judged by it.
        """
        delayed = self._ledger.delayed.get(place)
        if delayed is None:
            return
        if now_ms < delayed.due_ms - delayed.apart_ms and not self._may_go_forward(pair.webhook, delayed):
            early_ms = delayed.due_ms - now_ms
            raise Violation("early", f"{pair.name} {early_ms} ms before its time", *_about(pair), name_of(place))
        attempt_ms = delayed.last_attempt_ms or 0
        asked = pair.asked_until_ms.get(attempt_ms)
        if asked is not None and now_ms < asked - delayed.apart_ms and pair.started_ms[attempt_ms] == 1:
            raise Violation("retry-after", f"{pair.name} {asked - now_ms} ms before it was over", *_about(pair))

    def _may_go_forward(self, webhook: str, delayed: Delayed) -> bool:
        """Whether the endpoint has accepted anything since this one failed; the processes' clocks are a little off."""
        return self._accepted_ms.get(webhook, -CLOCKS_APART_MS) >= (delayed.last_attempt_ms or 0) - CLOCKS_APART_MS

    def asked_to_wait(self, now_ms: int, pair: Pair, started_ms: int, wait_ms: int) -> None:
        """An endpoint answered, perhaps with Retry-After. The last tier is the most that is waited."""
        pair.asked_until_ms[started_ms] = now_ms + min(wait_ms, self._last_delay_ms)

    def accepted(self, now_ms: int, event: Published | None, webhook: str, url: str, body: bytes) -> Pair:
        """An endpoint took a request."""
        if event is None or webhook not in self._webhooks.tenant_of:
            raise Violation("phantom", f"a request to {webhook} is about nothing published", webhook)
        if self._webhooks.tenant_of[webhook] != event.tenant:
            raise Violation("cross-tenant", f"{event.id} to {webhook}", event.id, webhook)
        pair = self._ledger.pair(event, webhook)
        if not pair.accepted and not self._webhooks.is_allowed(event, webhook, url, now_ms):
            raise Violation("phantom", f"{pair.name} was never wanted at {url}", *_about(pair))
        if event.data not in body or (pair.body is not None and pair.body != body):
            raise Violation("altered", f"the body of {pair.name} is not what was published", *_about(pair))
        if not pair.accepted:
            self._in_order(now_ms, event, pair)
        pair.body = body
        pair.accepted += 1
        self._accepted_ms[webhook] = now_ms
        pair.silent += 1  # until its answer was heard
        if pair.first_accepted_ms is None:
            pair.first_accepted_ms = now_ms
        return pair

    def replay_waits(self, pair: Pair, place: Place, replay: Place) -> None:
        """A request left, and a replay that was to go before what waits of its key was there earlier, and waits."""
        detail = f"{pair.name} goes before the replay {name_of(replay)}"
        raise Violation("position", detail, *_about(pair), name_of(place), name_of(replay))

    def spared(self, delivery: Delivery) -> None:
        """A try is not made, because its event was sent again and accepted."""
        pair = self._ledger.by_delivery[delivery.id.encode()]
        if not pair.accepted or not pair.replay_ids - {delivery.id}:
            raise Violation("spared", f"{pair.name} is not tried again, and nobody accepted it", *_about(pair))

    def _in_order(self, now_ms: int, event: Published, pair: Pair) -> None:
        """It is accepted for the first time: no later event of its key was before.

        What was put off, or published twice, has no place among the others; a dead letter's has been passed, and so may
        have been that of one which was dropped.
        """
        state = self._webhooks.current(pair.webhook)
        if not isinstance(state, Subscription) or event.unmatched or len(event.places) > 1 or pair.buried:
            return
        key = {"key": event.key, "data.kind": event.kind.encode()}.get(state.ordering)
        if key is None:
            return
        [(partition, offset)] = event.places
        line = (pair.webhook, partition, key)
        last = self._ledger.first_accepted.get(line, -1)
        if offset < last:
            if self._may_have_been_dropped(now_ms, pair):
                return
            raise Violation("order", f"{pair.name} is accepted after a later event of its key", *_about(pair))
        self._ledger.first_accepted[line] = offset

    def _may_have_been_dropped(self, now_ms: int, pair: Pair) -> bool:
        """Whether it was read again, and may rightly have been found unwanted before.

        That may be so of its event until it is lined up, where the webhook came or was changed meanwhile. What is lined
        up is dropped while the webhook is paused or gone, and comes after all when a fault has it run again.
        """
        event, runs = pair.event, self._ledger.runs
        was_read_again = any(place in runs and runs[place].times > 1 for place in event.places)
        if was_read_again and pair.webhook not in self._webhooks.required(event, pair.lined_up_ms):
            return True
        return self._ledger.runs_again(pair) > 0 and not self._webhooks.stays_wanted(event, pair.webhook, now_ms)

    # ── records ──────────────────────────────────────────────────────────────────────────────────────────────────

    def buried(self, now_ms: int, dead_letter: DeadLetter) -> Pair:
        """A dead letter was written."""
        delivery = dead_letter.delivery
        event = self._ledger.events.get(delivery.event.id)
        if event is None:
            raise Violation("phantom", "a dead letter of no event", delivery.event.id)
        pair = self._ledger.pair(event, delivery.subscription_id)
        if not pair.has_id(delivery.id):
            raise Violation("dead letters", f"{pair.name} has one under an id that is not its own", *_about(pair))
        if not self._webhooks.is_allowed(event, pair.webhook, None, now_ms):
            raise Violation("phantom", f"a dead letter of {pair.name}, which was never wanted", *_about(pair))
        self._may_pass(dead_letter, pair)
        pair.buried += 1
        return pair

    def _may_pass(self, dead_letter: DeadLetter, pair: Pair) -> None:
        """A key of a webhook that blocks goes on without its head only when its customer says so."""
        state = self._webhooks.current(pair.webhook)
        delivery, reason = dead_letter.delivery, dead_letter.reason
        if not isinstance(state, Subscription) or state.on_failure is not OnFailure.BLOCK or delivery.order is None:
            return
        is_dropped = self._webhooks.was_dropped(pair.webhook, delivery.id)
        if reason in _OF_ITSELF or (reason == DeathReason.BLOCKED and not is_dropped):
            raise Violation("block", f"{pair.name} is dead-lettered as {reason}, and its key goes on", *_about(pair))

    def poisoned(self, place: Place) -> None:
        """A record was written to poison: only what can never be an event, kills, or meets a bug belongs there."""
        event = self._ledger.at.get(place)
        if place not in self._ledger.never_events and (event is None or not event.ends_in_poison):
            raise Violation("poison", f"{name_of(place)} is there, and is an event like any other", name_of(place))

    def told(self, pair: Pair, failure: str | None) -> None:
        """An attempt is in the log: only those of odd webhooks end by a bug."""
        if failure == FailureKind.BUG and odd.of_webhook(self._plan, pair.webhook) is None:
            raise Violation("contained", f"an attempt of {pair.name} ended by somebody else's bug", *_about(pair))

    # ── offsets ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begins(self, session: Session, record: Record) -> bool:
        """Whether a record that is given to a core begins to run: not met before, and not done."""
        if record.offset <= session.seen:
            return False
        session.seen = record.offset
        if session.done is None:
            return record.offset not in session.ahead
        is_known = session.done.is_done(record.offset) or is_ahead(session.done, record)
        return not is_known and record.offset not in session.ahead

    def committed(self, now_ms: int, partition: Partition, position: Position, log: Log) -> None:
        """The broker took a commit: everything it newly says is done must be safe."""
        ledger = self._ledger
        done = ledger.done.setdefault(partition, set())
        below = ledger.below.get(partition, 0)
        newly = [offset for offset in range(below, position.offset) if offset not in done]
        found = told_by(position)
        if found is not None:
            newly += [
                offset
                for offset in range(
                    position.offset, max([found.last + 1, *(each.end for each in found.ahead.values())])
                )
                if offset not in done and is_done(found, log, offset)
            ]
        done.update(newly)
        for offset in newly:
            if offset >= log.start:
                self._safe(now_ms, (partition, offset))
        if position.offset > below:
            ledger.below[partition] = position.offset
            done.difference_update(range(below, position.offset))

    def logged(self, place: Place, attempts: Iterable[Attempted]) -> None:
        """A process' commit says that this record is done: the attempts that it made for it are in the log."""
        for attempt in attempts:
            if not self._ledger.attempts[attempt]:
                pair = self._ledger.by_delivery[attempt[0].encode()]
                detail = f"{name_of(place)} is said to be done; attempt {attempt[1]} of {pair.name} is nowhere"
                raise Violation("log", detail, *_about(pair), name_of(place))

    def _safe(self, now_ms: int, place: Place) -> None:
        ledger = self._ledger
        event = ledger.at.get(place) or ledger.unmatched.get(place)
        if event is not None:
            self._matched(now_ms, place, event)
            return
        delayed = ledger.delayed.get(place)
        if delayed is not None and place not in ledger.poisoned:
            for pair in delayed.pairs:
                self._goes_on(now_ms, place, pair, delayed.progress)
        elif place in ledger.never_events and place not in ledger.poisoned:
            raise Violation("poison", f"{name_of(place)} is said to be done, and is not in poison", name_of(place))
        elif place in ledger.not_events:
            return
        elif delayed is None:
            raise Violation("commit", f"{name_of(place)} is said to be done and was never there", name_of(place))

    def _matched(self, now_ms: int, place: Place, event: Published) -> None:
        if any(other != place and not self._ledger.is_done(other) for other in event.unmatched):
            return  # another record of it has still to be matched
        if event.done_ms is None:
            event.done_ms = now_ms
        if place in self._ledger.poisoned:
            return
        for webhook in self._webhooks.required(event, now_ms):
            self._goes_on(now_ms, place, self._ledger.pair(event, webhook), EVENT)

    def _goes_on(self, now_ms: int, place: Place, pair: Pair, progress: int) -> None:
        if (pair.accepted and pair.logged) or pair.buried:
            return
        if progress < CHUNK and pair.chunks:
            return
        if any(further > progress for further in pair.lines):
            return
        beside = pair.lines.get(progress, pair.chunks if progress == CHUNK else ())
        if any(other != place and not self._ledger.is_done(other) for other in beside):
            return  # a repeat of a record that still stands
        if len(pair.event.places) > 1 and progress == EVENT:
            return  # written twice by its producer: the other one stands for it until the end is judged
        if not self._is_due(now_ms, pair):
            return
        kind = "accepted, but not logged" if pair.accepted else "not safe"
        raise Violation(
            "commit", f"{name_of(place)} is said to be done; {pair.name} is {kind}", *_about(pair), name_of(place)
        )

    def _is_due(self, now_ms: int, pair: Pair) -> bool:
        """Whether it was promised, and still is. One whose webhook came or changed about then may go either way."""
        matched_ms = now_ms if pair.event.done_ms is None else pair.event.done_ms
        promised = pair.webhook in self._webhooks.required(pair.event, matched_ms)
        return promised and self._webhooks.stays_wanted(pair.event, pair.webhook, now_ms)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def ended(self, now_ms: int, *, few_records: bool) -> tuple[int, int, int]:
        """Judge every pair. Returns the pairs promised, all endings, and those that were one too many."""
        promised = endings = more = 0
        for event in self._ledger.events.values():
            until_ms = now_ms if event.done_ms is None else event.done_ms
            if not (event.removed or self._is_poisoned(event)):
                for webhook in self._webhooks.required(event, until_ms):
                    promised += 1
                    self._kept(now_ms, self._ledger.pair(event, webhook))
            for pair in event.pairs.values():
                endings += pair.endings
                more += max(0, pair.endings - 1)
                self._few(pair, few_records=few_records)
        return promised, endings, more

    def _is_poisoned(self, event: Published) -> bool:
        return all(place in self._ledger.poisoned for place in event.places)

    def _kept(self, now_ms: int, pair: Pair) -> None:
        if pair.endings or not self._webhooks.stays_wanted(pair.event, pair.webhook, now_ms):
            return
        raise Violation("lost", f"{pair.name} was neither accepted nor dead-lettered", *_about(pair))

    def _few(self, pair: Pair, *, few_records: bool) -> None:
        again = self._ledger.runs_again(pair)
        lines = len(pair.event.places) + again + pair.rewritten + pair.event.rewritten + len(pair.replay_ids)
        if pair.endings > lines + pair.silent:
            detail = f"{pair.name} ended {pair.endings} times: {again} runs again, {pair.silent} answers lost"
            raise Violation("duplicates", detail, *_about(pair))
        if not few_records:
            return
        written = pair.written_for_no_slot
        if written > records_most(self._plan.schedule) * lines:
            raise Violation("records", f"{written} were written for {pair.name}, {again} runs again", *_about(pair))
        for waits_ms in pair.waits.values():
            longest_ms = max(0, *waits_ms) + MINUTE_MS  # the clocks of processes are set now and then
            if len(waits_ms) > self._plan.schedule.records_for(longest_ms) * lines:
                detail = f"{len(waits_ms)} were written for one slot of {pair.name}, {longest_ms} ms ahead at most"
                raise Violation("records", detail, *_about(pair))


@lru_cache(maxsize=64)
def told_by(position: Position) -> DoneMap | None:
    """What is finished above a committed offset; whoever looks at a commit reads the same map."""
    return read_map(position.metadata, position.offset) if position.metadata else None


def is_done(found: DoneMap, log: Log, offset: int) -> bool:
    """Whether a map says so, and not only because the record was left in the log to be read again."""
    record = log.records[offset - log.start] if log.start <= offset < log.end else None
    if record is not None and is_ahead(found, record):
        return True
    if not found.is_done(offset):
        return False
    if not found.order.left or record is None:
        return True
    key = (record.key or b"").decode()
    return not any(key.startswith(scope) and offset >= left_from for scope, left_from in found.order.left.items())


def is_full(metadata: str, most: int) -> bool:
    """Whether a map of at most so many characters had no room for one offset more: only then may it tell less."""
    parts = metadata.split("|")
    if len(parts) != _MAP_PARTS:
        return False
    told = sum(map(len, parts[4:7]))
    return told >= most - _MAP_BEGINS - _OFFSET_CHARS


def is_ahead(found: DoneMap, record: Record) -> bool:
    """Whether a map says that this record was finished before its turn."""
    if not found.ahead or record.key is None:
        return False
    horizon = found.ahead.get(named(record.key))
    return horizon is not None and horizon.is_done(record.offset)


def _about(pair: Pair) -> tuple[str, ...]:
    return (f"{pair.event.id}/{pair.webhook}", *map(name_of, pair.event.places))
