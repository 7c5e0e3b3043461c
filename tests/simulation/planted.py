"""Bugs planted on purpose, to see that the simulator finds them.

The law: a bug lives as a patch in the process that simulates, for as long as the `with` lasts; the product holds no
switch for it. For each stand seeds that find it and pass without it. There are up to three: a change of what a turn
does changes every seed's history, and one seed would be lost with it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from unittest.mock import patch

from msgspec import structs

from consumer.delivery import done_map, giving_up, outcome
from consumer.delivery.ahead_map import Horizon
from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.delivery.answering import Answering
from consumer.delivery.attempting import Attempting
from consumer.delivery.core import Core
from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.done_map import DoneMap
from consumer.delivery.endings import Endings, Writing
from consumer.delivery.entry import Entry
from consumer.delivery.forward import Forward
from consumer.delivery.hold import Delayed, Hold, Leader
from consumer.delivery.horizons import Horizons
from consumer.delivery.intake import Intake
from consumer.delivery.lane import Job
from consumer.delivery.left import Left
from consumer.delivery.lined_up import LinedUp
from consumer.delivery.lining_up import LiningUp
from consumer.delivery.offsets import Partition, Position, Window
from consumer.delivery.order import Order
from consumer.delivery.order_partition import KeyLine
from consumer.delivery.outcome import Asked, DeathReason, Outcome
from consumer.delivery.planning import Planning
from consumer.delivery.repeats import Repeats
from consumer.delivery.replaced import replaced_by
from consumer.delivery.step import Write
from consumer.delivery.tenants import Loading, Tenants, Work
from consumer.delivery.views import View
from consumer.events.decode import decode
from consumer.events.event import Decoded, Record, Tombstone
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.commits import Commits
from consumer.roles.worker import Worker
from consumer.webhooks.reader import Loaded, Unavailable
from tests.simulation.plan import stream
from tests.simulation.world import Verdict

DELIVERIES = 150
_WRITTEN_AT_ONCE = 0.1
Patch = Any  # what patch.object returns; mock types it no closer


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """At least one of `seeds`, with DELIVERIES, finds it; `rule` is the law it breaks there."""

    patches: Callable[[], list[Patch]]
    rule: str
    seeds: tuple[int, ...] = ()

    def found(self, run: Callable[[int], Verdict]) -> Verdict | None:
        """The first of its seeds' verdicts that says so; None where no seed finds it."""
        with planting(self):
            return next((verdict for verdict in map(run, self.seeds) if self.is_told_by(verdict)), None)

    def is_told_by(self, verdict: Verdict) -> bool:
        """Whether what was broken is the law that this bug breaks."""
        return verdict.violation is not None and verdict.violation.startswith(self.rule)


@contextmanager
def planting(bug: Bug) -> Iterator[None]:
    """Run with this bug."""
    patches = bug.patches()
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in reversed(patches):
            each.stop()


# ── offsets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _commit_before_the_result() -> list[Patch]:
    def look(window: Window) -> Position | None:
        return None if window._next < 0 else Position(window._next)

    return [patch.object(Window, "look", look)]


def _commit_highest() -> list[Patch]:
    def look(window: Window) -> Position | None:
        return None if window._last_done < 0 else Position(window._last_done + 1)

    return [patch.object(Window, "look", look)]


def _write_not_awaited() -> list[Patch]:
    def write(endings: Endings, entry: Entry, write: Write, delivery_id: str | None = None) -> None:
        nobody = Entry(Window(entry.window.partition), entry.offset)
        nobody.open = 2
        endings._token += 1
        endings._writing[endings._token] = Writing(nobody, write, delivery_id)
        endings._asked.append((endings._token, write))

    return [patch.object(Endings, "write", write)]


def _epoch_ignored() -> list[Patch]:
    def forget(commits: Commits, partitions: object) -> None:
        """What was ours stays wanted, whoever owns it now."""

    def put_back(commits: Commits, batch: dict[Partition, Position]) -> None:
        commits._wanted.update(batch)

    def begin(commits: Commits, positions: dict[Partition, Position]) -> None:
        commits._owns = lambda _: True

    def forgotten(worker: Worker, partitions: object) -> None:
        """The core goes on with what it had."""

    return [
        patch.object(Commits, "forget", forget),
        patch.object(Commits, "_put_back", put_back),
        patch.object(Commits, "begin", begin),
        patch.object(Worker, "_forget", forgotten),
    ]


def _map_trusted_without_checksum() -> list[Patch]:
    honest = done_map.decode

    def trusting(metadata: str, offset: int) -> DoneMap | None:
        parts = metadata.split("|")
        if len(parts) == done_map._PARTS:
            parts[2] = done_map._checksum(offset, *parts[3:])
        return honest("|".join(parts), offset)

    return [patch.object(done_map, "decode", trusting)]


def _repeat_remembered_across_assignments() -> list[Patch]:
    seen: set[object] = set()

    def is_repeat(_: Repeats, entry: Entry, delivery: Delivery) -> bool:
        name = entry.window.partition, delivery.id, delivery.attempts, delivery.spills
        view = name in seen
        seen.add(name)
        return view

    return [patch.object(Repeats, "is_repeat", is_repeat)]


def _sealed_before_it_is_logged() -> list[Patch]:
    def turn(worker: Worker) -> None:
        worker._start()
        worker._collect()
        worker._commit()

    return [patch.object(Worker, "_turn", turn)]


def _log_not_awaited() -> list[Patch]:
    def commit(worker: Worker) -> None:
        worker._consumer.commit(worker._core.positions())

    return [patch.object(Worker, "_commit", commit)]


# ── matching and decoding ────────────────────────────────────────────────────────────────────────────────────────────


def _tombstone_by_truth_value() -> list[Patch]:
    def careless(record: Record, schemas: Schemas, rules: EventRules) -> Decoded:
        return decode(record, schemas, rules) if record.value else Tombstone()

    return [patch("tests.simulation.world.decode", careless)]


def _miss_is_no_subscribers() -> list[Patch]:
    honest = Tenants.loaded

    def loaded(tenants: Tenants[Work], tenant: str, loading: Loading, now_ms: int) -> list[tuple[Work, View]]:
        if isinstance(loading, Unavailable):
            loading = Loaded(version="0", subscriptions=())
        return honest(tenants, tenant, loading, now_ms)

    return [patch.object(Tenants, "loaded", loaded)]


def _unmatched_is_no_subscribers() -> list[Patch]:
    honest = Planning._unpack

    def unpack(planning: Planning, now_ms: int, entry: Entry, chunk: Chunk, view: View) -> None:
        if chunk.unmatched:
            planning._endings.drop(entry, "no_subscribers")
        else:
            honest(planning, now_ms, entry, chunk, view)

    return [patch.object(Planning, "_unpack", unpack)]


def _retried_to_all_webhooks() -> list[Patch]:
    honest = Planning._again

    def again(planning: Planning, now_ms: int, entry: Entry, delivery: Delivery, view: View) -> None:
        others = [each for each in view.matcher._by_id if each != delivery.subscription_id]
        entry.open += len(others)
        for target in filter(None, map(view.target, others)):
            planning._attempting.offer(now_ms, Job(entry=entry, delivery=delivery, target=target), view)
        honest(planning, now_ms, entry, delivery, view)

    return [patch.object(Planning, "_again", again)]


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _due_too_early() -> list[Patch]:
    honest = Hold.put

    def put(hold: Hold, entry: Entry, delayed: Delayed, *, leader: Leader, due_ms: int, size: int) -> None:
        honest(hold, entry, delayed, leader=leader, due_ms=due_ms - 500, size=size)

    return [patch.object(Hold, "put", put)]


def _skew_ignored() -> list[Patch]:
    return [patch.object(BrokerClocks, "skew_ms", lambda _clocks, _leader: 0)]


def _one_clock_for_all_brokers() -> list[Patch]:
    def skew_ms(clocks: BrokerClocks, leader: Leader) -> int | None:
        del leader
        view = (clock.skew_ms for place in clocks._places.values() for clock in place.clocks.values())
        return max((skew for skew in view if skew is not None), default=None)

    return [patch.object(BrokerClocks, "skew_ms", skew_ms)]


def _retry_after_ignored() -> list[Patch]:
    return [patch.object(outcome, "retry_after_ms", lambda _answer, _now_ms: None)]


# ── endings ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _drained_result_dropped() -> list[Patch]:
    honest = Answering.answered

    def answered(answering: Answering, now_ms: int, token: int, answer: Answer) -> None:
        job = answering.flying.job(token)
        if job is not None and job.entry.window.draining:
            answering.flying.end(token)
            job.entry.close_one()
            return
        honest(answering, now_ms, token, answer)

    return [patch.object(Answering, "answered", answered)]


def _unsent_dropped_at_a_drain() -> list[Patch]:
    def drain(core: Core, now_ms: int, partitions: list[Partition]) -> None:
        del now_ms
        for partition in partitions:
            if partition in core._windows.of:
                core._windows.of[partition].draining = True
        for job in core._traffic.unqueue(lambda job: job.entry.window.draining):
            job.entry.close_one()

    return [patch.object(Core, "drain", drain)]


def _ended_before_it_is_written() -> list[Patch]:
    """And it is written some turns later: at once the broker would have it before the commit, as good as always."""
    honest, honest_asked = Endings.write, Endings.asked
    dice = stream(0, "ended before it is written")

    def write(endings: Endings, entry: Entry, write: Write, delivery_id: str | None = None) -> None:
        honest(endings, entry, write, delivery_id)
        if delivery_id is not None:
            entry.window.part_ended(entry.offset, delivery_id)

    def asked(endings: Endings) -> list[tuple[int, Write]]:
        return honest_asked(endings) if dice.random() < _WRITTEN_AT_ONCE else []

    return [patch.object(Endings, "write", write), patch.object(Endings, "asked", asked)]


def _dead_letter_under_a_new_id() -> list[Patch]:
    honest = Endings.bury

    # Six arguments, as the method it stands in for.
    def bury(endings: Endings, now_ms: int, job: Job, delivery: Delivery, reason: DeathReason, detail: str) -> None:  # noqa: PLR0917
        name = blake2b(f"{delivery.id}{delivery.attempts}".encode(), digest_size=16).hexdigest()
        honest(endings, now_ms, job, structs.replace(delivery, id=name), reason, detail)

    return [patch.object(Endings, "bury", bury)]


def _a_failed_head_lets_the_next_pass() -> list[Patch]:
    honest = Order.back

    def back(order: Order, entry: Entry, delivery: Delivery, due_ms: int) -> None:
        line = order._out.get(entry)
        honest(order, entry, delivery, due_ms)
        if line is not None and delivery.attempts and len(line.queue) > 1:
            line.queue.rotate(-1)
            order._advance(line, 0)

    return [patch.object(Order, "back", back)]


def _a_key_goes_on_without_being_asked() -> list[Patch]:
    return [patch.object(giving_up, "stops", lambda _subscription, _reason: False)]


def _a_replay_waits_behind_what_waits() -> list[Patch]:
    return [patch.object(KeyLine, "place_before", lambda line: len(line.queue))]


def _first_read_and_not_lined_up() -> list[Patch]:
    """It stands in its line when it is read again: behind what came after it."""
    honest = LiningUp.put
    met: set[tuple[Partition, int]] = set()

    def put(lining_up: LiningUp, entry: Entry, delivery: Delivery, *, may: bool) -> None:
        place = entry.window.partition, entry.offset
        if entry.offset % 3 or place in met:
            honest(lining_up, entry, delivery, may=may)
        met.add(place)

    return [patch.object(LiningUp, "put", put)]


def _what_earlier_owners_lined_up_is_forgotten() -> list[Patch]:
    def tell_ends(lined_up: LinedUp, token: int, ends: dict[int, int]) -> None:
        del token, ends
        lined_up._before |= {window: {} for window in lined_up._untold}
        lined_up._untold.clear()

    return [patch.object(LinedUp, "_tell_ends", tell_ends)]


def _what_is_left_of_a_line_is_forgotten() -> list[Patch]:
    def again(left: Left, now_ms: int) -> None:
        del left, now_ms

    return [patch.object(Left, "again", again)]


def _spared_before_it_is_accepted() -> list[Patch]:
    honest = Attempting.offer

    def offer(attempting: Attempting, now_ms: int, job: Job, view: View) -> None:
        answering = attempting._answering
        answering.step.replaced += answering.replaced.heard(replaced_by(job.delivery))
        honest(attempting, now_ms, job, view)

    return [patch.object(Attempting, "offer", offer)]


def _dead_letter_beside_the_retry() -> list[Patch]:
    honest = Endings.retry

    def retry(endings: Endings, now_ms: int, job: Job, delivery: Delivery, tier: int) -> None:
        job.entry.open_one()
        endings.bury(0, job, delivery, DeathReason.EXHAUSTED, "")
        honest(endings, now_ms, job, delivery, tier)

    return [patch.object(Endings, "retry", retry)]


def _handed_over_and_not_logged() -> list[Patch]:
    honest = Answering._log

    def log(answering: Answering, job: Job, answer: Answer, outcome: Outcome, *, goes_on: bool = False) -> None:
        if not (isinstance(answer, Failure) and answer.kind is FailureKind.UNANSWERED):
            honest(answering, job, answer, outcome, goes_on=goes_on)

    return [patch.object(Answering, "_log", log)]


def _one_bug_fails_the_whole_turn() -> list[Patch]:
    honest = Intake._in_hand

    def in_hand(intake: Intake, entry: Entry, record: Record) -> object:
        met = intake._boundaries._met
        return met[-1] if met else honest(intake, entry, record)

    return [patch.object(Intake, "_in_hand", in_hand)]


# ── before their turn ────────────────────────────────────────────────────────────────────────────────────────────────


def _under_way_told_as_finished() -> list[Patch]:
    honest = Horizons.told

    def told(horizons: Horizons, base: int) -> dict[bytes, Horizon]:
        return {name: replace(each, unfinished=frozenset()) for name, each in honest(horizons, base).items()}

    return [patch.object(Horizons, "told", told)]


def _forward_to_find_out() -> list[Patch]:
    honest = Forward.heard

    def heard(forward: Forward, job: Job, asked: Asked, now_ms: int) -> None:
        honest(forward, job, asked, now_ms)
        forward.recovered(now_ms, job.target.subscription.id, now_ms)

    return [patch.object(Forward, "heard", heard)]


def _an_old_view_in_a_moment_without_the_cache() -> list[Patch]:
    def is_remembered(tenants: Tenants[Any], view: View, _doubted_ms: int | None, now_ms: int) -> bool:
        return now_ms - view.seen_ms <= tenants._freshness.memory_for_ms

    return [patch.object(Tenants, "_is_remembered", is_remembered)]


BUGS: dict[str, Bug] = {
    "a replay waits behind what waits": Bug(
        patches=_a_replay_waits_behind_what_waits, seeds=(34, 274, 994), rule="position"
    ),
    "a key goes on without being asked": Bug(
        patches=_a_key_goes_on_without_being_asked, seeds=(10, 250, 490), rule="block"
    ),
    "first read and not lined up": Bug(patches=_first_read_and_not_lined_up, seeds=(10, 34, 50), rule="order"),
    "a failed head lets the next pass": Bug(
        patches=_a_failed_head_lets_the_next_pass, seeds=(10, 250, 730), rule="order"
    ),
    "what earlier owners lined up is forgotten": Bug(
        patches=_what_earlier_owners_lined_up_is_forgotten, seeds=(634, 734, 834), rule="order"
    ),
    "what is left of a line is forgotten": Bug(
        patches=_what_is_left_of_a_line_is_forgotten, seeds=(114, 594, 1074), rule="liveness"
    ),
    "spared before it is accepted": Bug(patches=_spared_before_it_is_accepted, seeds=(23, 263, 743), rule="spared"),
    "under way told as finished": Bug(patches=_under_way_told_as_finished, seeds=(345,), rule="commit"),
    "forward to find out": Bug(patches=_forward_to_find_out, seeds=(105, 585, 825), rule="early"),
    "commit before the result": Bug(patches=_commit_before_the_result, seeds=(4, 244, 484), rule="commit"),
    "commit highest": Bug(patches=_commit_highest, seeds=(4, 244, 484), rule="commit"),
    "write not awaited": Bug(patches=_write_not_awaited, seeds=(1, 241, 481), rule="commit"),
    "epoch ignored": Bug(patches=_epoch_ignored, seeds=(7, 487, 727), rule="liveness"),
    "map trusted without checksum": Bug(patches=_map_trusted_without_checksum, seeds=(12, 492), rule="commit"),
    "repeat remembered across assignments": Bug(
        patches=_repeat_remembered_across_assignments, seeds=(2, 242, 482), rule="commit"
    ),
    "sealed before it is logged": Bug(patches=_sealed_before_it_is_logged, seeds=(4, 244, 484), rule="commit"),
    "log not awaited": Bug(patches=_log_not_awaited, seeds=(4, 244, 484), rule="commit"),
    "tombstone by truth value": Bug(patches=_tombstone_by_truth_value, seeds=(22,), rule="poison"),
    "miss is no subscribers": Bug(patches=_miss_is_no_subscribers, seeds=(2, 242, 962), rule="commit"),
    "an old view in a moment without the cache": Bug(
        patches=_an_old_view_in_a_moment_without_the_cache, seeds=(387,), rule="phantom"
    ),
    "unmatched is no subscribers": Bug(patches=_unmatched_is_no_subscribers, seeds=(71, 311), rule="commit"),
    "retried to all webhooks": Bug(patches=_retried_to_all_webhooks, seeds=(16, 256, 496), rule="phantom"),
    "due too early": Bug(patches=_due_too_early, seeds=(496, 736, 1216), rule="early"),
    "skew ignored": Bug(patches=_skew_ignored, seeds=(22, 262, 502), rule="early"),
    "one clock for all brokers": Bug(patches=_one_clock_for_all_brokers, seeds=(1, 241, 481), rule="early"),
    "retry-after ignored": Bug(patches=_retry_after_ignored, seeds=(16,), rule="retry-after"),
    "drained result dropped": Bug(patches=_drained_result_dropped, seeds=(26, 1226), rule="commit"),
    "unsent dropped at a drain": Bug(patches=_unsent_dropped_at_a_drain, seeds=(13, 493, 1213), rule="commit"),
    "ended before it is written": Bug(patches=_ended_before_it_is_written, seeds=(23, 40, 53), rule="commit"),
    "handed over and not logged": Bug(patches=_handed_over_and_not_logged, seeds=(5, 485), rule="log"),
    "one bug fails the whole turn": Bug(patches=_one_bug_fails_the_whole_turn, seeds=(4, 244, 724), rule="poison"),
    "dead letter under a new id": Bug(patches=_dead_letter_under_a_new_id, seeds=(4, 244, 484), rule="dead letters"),
    "dead letter beside the retry": Bug(patches=_dead_letter_beside_the_retry, seeds=(16, 256, 496), rule="duplicates"),
}
