"""The laws of capacity, judged while they can be broken.

Where processes die and Redis is away (`Case.faults`), lateness is judged from two minutes after the last fault on, time
has as much more, and what is said of 2 and 3 seconds is not judged.

- **lateness**: while something of a webhook waits, and its endpoint could take it (nothing under way, its rate allows
  it, it is not away, and what it asked for when it refused is over), a request leaves within `IDLE_MOST_MS`. After an
  outage `PROBE_MOST_MS` may pass before the first one is accepted: so long at most does a breaker stay open. What
  failed waits out its own delay until then, and what was answered with refusals, for less than a minute or until one
  attempt was left, waits on for its own time (`delivery/forward.py`): so for the next law, too.
- **time**: the k-th acceptance is no later than it would be if the endpoint were given all that it can take, always
  (`case.ideal`), and a tenth of the k-th's wait there, and `SLACK_MS`. Of one that refuses above a rate that it tells
  nobody the last twentieth is not judged, for each refusal costs an attempt, and its delay; and none where faults make
  a burst of what it was to get.
- **expired**: no delivery of an endpoint that accepts whatever it is sent is dead-lettered; and nothing because of its
  time, where no outage lasts for most of that.
- **after an outage**: events published when the endpoint takes requests again are accepted within 2 s, 99 of 100: a
  new event is a probe. Where it hung, from two timeouts later on: so long may the last probe that hung keep the next
  one back. What has waited goes oldest first, about: on average its place in the order of acceptance is off by no more
  than a fifth of all that waited. Several processes each bring forward what they hold, so there it is not judged.
- **beside**: whoever is healthy and asks for no limit gets 99 of 100 events within 3 s, whatever befalls the others,
  and the time that it takes to read what was published before them, 10,000 a second: a partition is read in order.
- **rate**: within any 10 s at most 1.05 times what the limit allows, and one; where Redis goes and comes back, two
  seconds' worth more, as `docs/guarantees.md` has it.
- **concurrency**: never more than the limit at once. With faults each process may take itself for the only one for a
  while: it has just started and nobody answered, or Redis was emptied (`docs/guarantees.md`).
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Final

from tests.simulation.capacity.case import Case, Silence, Webhook, ideal, share
from tests.simulation.capacity.customers import webhooks_of
from tests.simulation.checker import Violation
from tests.simulation.ledger import Pair, Published
from tests.simulation.plan import DEFAULT, HOUR_MS, MINUTE_MS
from tests.simulation.timeline import START_MS

IDLE_MOST_MS: Final = 10_000
PROBE_MOST_MS: Final = 5 * MINUTE_MS + 30_000
SLACK_MS: Final = 30_000
NEW_MOST_MS: Final = 2_000
PLAIN_MOST_MS: Final = 3_000
RATE_WINDOW_MS: Final = 10_000
RATE_FACTOR: Final = 1.05
_EXPIRES_AFTER_MS: Final = 20 * HOUR_MS  # an outage that lasts longer may outlast the time allowed for retries
_CALM_AFTER_MS: Final = 2 * MINUTE_MS
_LISTED: Final = 12
_READ_PER_MS: Final = 10  # a loop of 20 ms takes up to 256 records in each
_REDIS_GOES_S: Final = 1  # worth of starts when Redis goes, and when it comes back
_MANY: Final = 300  # of so many the order is judged
_REFUSED_LATE: Final = 20  # one of so many may be among the last that were refused


class _State(Enum):
    WAITS = auto()
    FLIES = auto()
    FAILED = auto()
    ENDED = auto()


class _Seen:
    """What was seen of one webhook."""

    def __init__(self, webhook: Webhook, at_once: int) -> None:
        self.webhook = webhook
        self.at_once = at_once
        self.states: dict[str, _State] = {}  # by event
        self.waiting = 0
        self.failed: set[str] = set()
        self.failures: Counter[str] = Counter()  # by event
        self.flying = 0
        self.most_flying = 0
        self.idle_since_ms = START_MS
        self.asked_until_ms = START_MS  # it refused a request, and is to be left alone until then
        self.longest_idle_ms = 0
        self.starts: deque[int] = deque()
        self.most_in_window = 0
        self.requests = 0
        self.accepted_ms: list[int] = []
        self.waits_ms: list[int] = []
        self.new_ms: list[int] = []
        self.since_back_ms: list[int] = []
        self.brought: list[int] = []  # when each was published that had waited for an outage's end, as they came
        self.last_accepted_ms = 0
        self.dead: Counter[str] = Counter()

    def back_ms(self, now_ms: int) -> int | None:
        """Since when its endpoint takes requests, as far as we can know; None while it is away."""
        at_ms = now_ms - START_MS
        if self.webhook.endpoint.outage(at_ms) is not None:
            return None
        back_ms = self.over_ms(now_ms)
        if back_ms is None:
            return START_MS
        return back_ms if self.last_accepted_ms >= back_ms else back_ms + PROBE_MOST_MS

    def over_ms(self, now_ms: int) -> int | None:
        """When its endpoint was back last, as of a moment at which it is not away; None: it never was away."""
        over_ms = max((each.last_over_ms(now_ms - START_MS) for each in self.webhook.endpoint.outages), default=-1)
        return None if over_ms < 0 else START_MS + over_ms

    def keeps_its_time(self, event: str) -> bool:
        """Whether it was refused by answers, for less than a minute or until one attempt was left."""
        refusing = [each for each in self.webhook.endpoint.outages if each.kind is Silence.UNAVAILABLE]
        short = any(each.for_ms < MINUTE_MS for each in refusing)
        return bool(refusing) and self.failures[event] >= (1 if short else DEFAULT.last)

    def settle(self, event: str, state: _State) -> None:
        """An event's delivery stands somewhere else now."""
        before = self.states.get(event)
        if before is _State.ENDED:
            return
        self.waiting += (state is _State.WAITS) - (before is _State.WAITS)
        if state is _State.FAILED:
            self.failed.add(event)
        elif before is _State.FAILED:
            self.failed.discard(event)
        self.states[event] = state


class CapacityLaws:
    """Raises what is broken; `strict` is False where only figures are wanted: then `broken` counts it."""

    def __init__(self, case: Case, *, strict: bool = True) -> None:
        self._case = case
        self._strict = strict
        self.broken: Counter[str] = Counter()
        self._calm_from_ms = START_MS + case.faults_for_ms + (_CALM_AFTER_MS if case.faults else 0)
        self._seen = {id_: _Seen(webhook, case.lane_concurrency) for id_, webhook in webhooks_of(case)}
        self._written: list[int] = []

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    def published(self, webhook: str, event: Published) -> None:
        """One more waits."""
        seen = self._seen[webhook]
        if not seen.waiting and not seen.flying:
            seen.idle_since_ms = event.at_ms
        seen.settle(event.id, _State.WAITS)

    def sent(self, now_ms: int, pair: Pair) -> None:
        """A request left."""
        seen = self._seen[pair.webhook]
        self._prompt(now_ms, seen, pair.webhook)
        seen.requests += 1
        seen.flying += 1
        seen.most_flying = max(seen.most_flying, seen.flying)
        seen.settle(pair.event.id, _State.FLIES)
        self._few(now_ms, seen, pair)

    def returned(self, now_ms: int, pair: Pair, *, accepted: bool) -> None:
        """It is under way no longer."""
        seen = self._seen[pair.webhook]
        seen.flying -= 1
        seen.idle_since_ms = now_ms
        if accepted or pair.accepted:  # whether we heard of it or not
            self._accepted(now_ms, seen, pair)
        else:
            seen.failures[pair.event.id] += 1
            seen.asked_until_ms = now_ms + (seen.webhook.endpoint.asks_s or 0) * 1_000
            seen.settle(pair.event.id, _State.FAILED)

    def buried(self, now_ms: int, pair: Pair, reason: str) -> None:
        """A dead letter."""
        seen = self._seen[pair.webhook]
        seen.settle(pair.event.id, _State.ENDED)
        seen.dead[reason] += 1
        away_ms = max((outage.for_ms for outage in seen.webhook.endpoint.outages), default=0)
        by_time = reason in {"expired", "waited"} and away_ms < _EXPIRES_AFTER_MS
        if seen.webhook.is_healthy or by_time:
            self._broken("expired", f"{pair.name} is dead-lettered: {reason}", f"{pair.event.id}/{pair.webhook}")

    def look(self, now_ms: int) -> None:
        """Some seconds have passed."""
        for webhook, seen in self._seen.items():
            self._prompt(now_ms, seen, webhook)

    def ended(self, now_ms: int) -> None:
        """Everything has ended."""
        del now_ms
        for webhook, seen in self._seen.items():
            self._timely(webhook, seen)
            if self._case.faults:
                continue
            plain_ms = share(seen.waits_ms, 0.99)
            most_ms = PLAIN_MOST_MS + self._case.burst / _READ_PER_MS
            if seen.webhook.is_plain and not self._case.tenants_us and plain_ms > most_ms:
                self._broken("beside", f"99 % of what {webhook} wants within {plain_ms} ms", webhook)
            new_ms = share(seen.new_ms, 0.99)
            if new_ms > NEW_MOST_MS:
                self._broken("after an outage", f"99 % of what is new at {webhook} within {new_ms} ms", webhook)
            off = _displacement(seen.brought)
            if len(seen.brought) >= _MANY and self._case.processes == 1 and off > 1 / 5:
                self._broken("after an outage", f"{webhook}: off by {off:.0%} of what had waited", webhook)

    # ── the laws ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _prompt(self, now_ms: int, seen: _Seen, webhook: str) -> None:
        if seen.flying or not seen.waiting or now_ms < self._calm_from_ms:
            seen.idle_since_ms = now_ms
            return
        back_ms = seen.back_ms(now_ms)
        if back_ms is None:
            seen.idle_since_ms = now_ms
            return
        gap_ms = 0.0 if seen.webhook.rate_per_s is None else 1_000 / seen.webhook.rate_per_s
        idle_ms = int(now_ms - max(seen.idle_since_ms, seen.asked_until_ms, back_ms) - gap_ms)
        seen.longest_idle_ms = max(seen.longest_idle_ms, idle_ms)
        if idle_ms > IDLE_MOST_MS:
            about = next((f"{event}/{webhook}" for event, state in seen.states.items() if state is _State.WAITS), "")
            self._broken("lateness", f"{seen.waiting} wait for {webhook}, which is idle for {idle_ms} ms", about)

    def _few(self, now_ms: int, seen: _Seen, pair: Pair) -> None:
        most = seen.webhook.max_concurrency
        if most is not None and self._case.faults:
            most *= 2 * self._case.processes  # of either role
        if most is not None and seen.flying > most:
            self._broken("concurrency", f"{seen.flying} at once to {pair.webhook}, {most} at most", pair.webhook)
        if (rate_per_s := seen.webhook.rate_per_s) is None:
            return
        seen.starts.append(now_ms)
        while seen.starts[0] <= now_ms - RATE_WINDOW_MS:
            seen.starts.popleft()
        seen.most_in_window = max(seen.most_in_window, len(seen.starts))
        most_starts = RATE_FACTOR * rate_per_s * RATE_WINDOW_MS / 1_000 + 1
        if self._case.faults:
            most_starts += 2 * rate_per_s * _REDIS_GOES_S
        if len(seen.starts) > most_starts:
            detail = f"{len(seen.starts)} to {pair.webhook} within 10 s, {most_starts:.0f} at most"
            self._broken("rate", detail, pair.webhook)

    def _accepted(self, now_ms: int, seen: _Seen, pair: Pair) -> None:
        back_ms = seen.over_ms(now_ms)
        if back_ms is not None and seen.last_accepted_ms < back_ms:  # it has recovered: all that failed may go now
            for event in list(seen.failed):
                if not seen.keeps_its_time(event):
                    seen.settle(event, _State.WAITS)
        if seen.states.get(pair.event.id) is not _State.ENDED:
            seen.accepted_ms.append(now_ms - START_MS)
            seen.waits_ms.append(now_ms - pair.event.at_ms)
            self._sort(now_ms, seen, pair.event)
        seen.last_accepted_ms = now_ms
        seen.settle(pair.event.id, _State.ENDED)
        self._written.append(pair.written)

    def _sort(self, now_ms: int, seen: _Seen, event: Published) -> None:
        """Whether it is new, or had waited for the end of an outage."""
        back_ms = seen.over_ms(now_ms)
        if back_ms is None or any(each.every_ms is not None for each in seen.webhook.endpoint.outages):
            return
        if event.at_ms < back_ms:
            seen.brought.append(event.at_ms)
            return
        seen.since_back_ms.append(now_ms - event.at_ms)
        if event.at_ms >= back_ms + _noticed_ms(seen.webhook):
            seen.new_ms.append(now_ms - event.at_ms)

    def _timely(self, webhook: str, seen: _Seen) -> None:
        if self._case.faults and seen.webhook.endpoint.rate_per_s is not None:
            return
        outages = seen.webhook.endpoint.outages
        slack_ms = SLACK_MS + self._calm_from_ms - START_MS + (PROBE_MOST_MS if outages else 0)
        if self._case.faults:  # what a fault kept from being accepted before an outage waits for the end of that
            slack_ms += max((each.for_ms for each in outages), default=0)
        wanted = sorted(ideal(seen.webhook, seen.at_once))
        late = sum(map(seen.keeps_its_time, seen.failures))
        if seen.webhook.endpoint.rate_per_s is not None:
            late = max(late, len(seen.accepted_ms) // _REFUSED_LATE)
        in_time = sorted(seen.accepted_ms)[: len(seen.accepted_ms) - late]
        for at_ms, ideal_ms, arrived_ms in zip(in_time, wanted, seen.webhook.arrivals(), strict=False):
            if at_ms > ideal_ms + (ideal_ms - arrived_ms) / 10 + slack_ms:
                late_s = (at_ms - ideal_ms) // 1_000
                self._broken("time", f"an acceptance of {webhook} is {late_s} s after the work needed", webhook)
                return

    def _broken(self, rule: str, detail: str, *about: str) -> None:
        self.broken[rule] += 1
        if self._strict:
            raise Violation(rule, detail, *about)

    # ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────

    def figures(self) -> Iterator[str]:
        """What was measured, a few lines for each webhook; where there are many, of all together."""
        many = len(self._seen) > _LISTED
        if many:
            all_ms = [wait_ms for seen in self._seen.values() for wait_ms in seen.waits_ms]
            waits = " ".join(_for_people(share(all_ms, part)) for part in (0.5, 0.99, 1.0))
            last_ms = max((at_ms for seen in self._seen.values() for at_ms in seen.accepted_ms), default=0)
            yield f"{len(self._seen):,} webhooks: {len(all_ms):,} of {self._case.deliveries:,} accepted"
            yield f"  wait p50 p99 max  {waits};  last one after {_for_people(last_ms)}"
        for webhook, seen in () if many else self._seen.items():
            needed = ideal(seen.webhook, seen.at_once)
            last_ms = max(seen.accepted_ms, default=0)
            dead = "  ".join(f"{reason} {number:,}" for reason, number in sorted(seen.dead.items())) or "none"
            waits = " ".join(_for_people(share(seen.waits_ms, part)) for part in (0.5, 0.99, 1.0))
            yield f"{webhook}: {len(seen.accepted_ms):,} accepted, dead letters {dead}, {seen.requests:,} requests"
            yield f"  wait p50 p99 max  {waits}"
            yield f"  last one after {_for_people(last_ms)}, the work needed {_for_people(needed[-1])}"
            yield f"  longest idle while something waits  {_for_people(seen.longest_idle_ms)}"
            if seen.webhook.rate_per_s is not None:
                most = seen.most_in_window / (seen.webhook.rate_per_s * RATE_WINDOW_MS / 1_000)
                yield f"  most within 10 s  {most:.2f} x the limit"
            if seen.webhook.max_concurrency is not None:
                yield f"  most at once  {seen.most_flying} of {seen.webhook.max_concurrency}"
            if seen.since_back_ms:
                for what, waits_ms in (("its end", seen.since_back_ms), ("it can be noticed", seen.new_ms)):
                    late = sum(each > NEW_MOST_MS for each in waits_ms)
                    worst = _for_people(max(waits_ms, default=0))
                    yield f"  published after {what}: {len(waits_ms):,}, {late:,} of them late, up to {worst}"
                yield f"  order of the {len(seen.brought):,} that waited: off by {_displacement(seen.brought):.0%}"
        if self._written:
            average = sum(self._written) / len(self._written)
            yield f"records written for a delivery  {average:.2f} on average, {max(self._written)} at most"
        if self.broken:
            yield "broken: " + ", ".join(f"{rule} {number:,}" for rule, number in self.broken.items())


def _noticed_ms(webhook: Webhook) -> int:
    """How long after the end of an outage the last probe may fail that was begun before it, and keep the next back."""
    hangs = any(outage.kind is Silence.HANGS for outage in webhook.endpoint.outages)
    return 2 * webhook.timeout_ms if hangs else 0


def _displacement(published_ms: Sequence[int]) -> float:
    """How far what came is from the order of publishing, on average, as a part of all."""
    number = len(published_ms)
    if number < 2:
        return 0.0
    order = sorted(range(number), key=published_ms.__getitem__)
    return sum(abs(place - was) for place, was in enumerate(order)) / number**2


def _for_people(ms: int) -> str:
    if ms < 2_000:
        return f"{ms} ms"
    if ms < 2 * MINUTE_MS:
        return f"{ms / 1_000:.1f} s"
    return f"{ms / MINUTE_MS:.1f} min" if ms < 2 * HOUR_MS else f"{ms / HOUR_MS:.1f} h"
