"""What one process does, told to the ledger and judged by the checker.

The law: it watches and changes nothing. It looks into the core for one thing only: which record a request is for.
"""

from typing import TYPE_CHECKING, NamedTuple

from consumer.delivery.answer import Answer, Failure, Response
from consumer.delivery.core import Core
from consumer.delivery.lane import Job
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.order_partition import goes_before, line_of
from consumer.delivery.outcome import is_success
from consumer.events.event import Record
from consumer.signing.request import Request
from tests.simulation.checker import is_done, told_by
from tests.simulation.ledger import Pair, Place, Run, Session, name_of

if TYPE_CHECKING:
    from tests.simulation.world import World


_CLOCKS_APART_MS = 6_000  # a process's and the world's


class _Ran(NamedTuple):
    """When, and in which session, a core was given a replay that goes before what waits."""

    session: Session
    at_ms: int


class Watch:
    """The eyes on one process."""

    def __init__(self, name: str, core: Core, world: "World") -> None:
        self._name = name
        self._core = core
        self._timeline = world.timeline
        self._history = world.history
        self._broker = world.broker
        self._ledger = world.ledger
        self._checker = world.checker
        self._laws = world.laws
        self._sent: dict[Place, list[Job]] = {}
        self._sessions: dict[Partition, Session] = {}
        self._befores: dict[str, dict[Place, _Ran]] = {}  # by line

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────

    def sent(self, token: int, request: Request) -> None:
        """It leaves."""
        self._ledger.requests += 1
        job = self._job(token)
        pair = self._pair(request)
        if pair is None or job is None:
            return
        place = (job.entry.window.partition, job.entry.offset)
        self._history.add(self._name, "sent", f"{pair.event.id}/{pair.webhook}", name_of(place))
        pair.started_ms[job.started_ms] += 1
        self._sent.setdefault(place, []).append(job)
        self._checker.sent(self._timeline.now_ms, pair, place)
        self._in_place(job, pair, place)
        self._laws.sent(self._timeline.now_ms, pair)

    def _in_place(self, job: Job, pair: Pair, place: Place) -> None:
        """No replay was there before this was offered to its lane that should have gone before it."""
        if job.delivery.order is None or job.delivery.replay_id is not None:
            return
        for replay, ran in self._befores.get(job.delivery.order, {}).items():
            window = job.entry.window
            is_here = ran.session is self._sessions.get(replay[0]) and replay[0] == window.partition
            if is_here and ran.at_ms + _CLOCKS_APART_MS < (job.queued_ms or 0) and not window.has_ended(replay[1]):
                self._checker.replay_waits(pair, place, replay)

    def accepted(self, request: Request) -> Pair:
        """The endpoint took it."""
        event_id = _header(request, "webhook-id")
        webhook = request.url.rsplit("/", 1)[1]
        self._history.add("endpoint", "accepted", f"{event_id}/{webhook}")
        event = self._ledger.events.get(event_id)
        return self._checker.accepted(self._timeline.now_ms, event, webhook, request.url, request.body)

    def heard(self, token: int, request: Request, answer: Answer) -> bool:
        """Its answer is about to reach the loop. Whether the core takes it as the delivery's end."""
        job = self._job(token)
        pair = self._pair(request)
        if pair is None:
            return False
        told = str(answer.kind) if isinstance(answer, Failure) else str(answer.status)
        self._history.add(self._name, f"heard {told}", f"{pair.event.id}/{pair.webhook}")
        if job is not None and isinstance(answer, Response):
            wait_s = int(dict(answer.headers).get("retry-after", "0"))
            self._checker.asked_to_wait(self._timeline.now_ms, pair, job.started_ms, wait_s * 1_000)
        self._laws.returned(self._timeline.now_ms, pair, accepted=is_success(answer))
        return is_success(answer) and job is not None and not job.handed_over

    def gone(self, request: Request) -> None:
        """Nobody waits for its answer any more."""
        pair = self._pair(request)
        if pair is not None:
            self._laws.returned(self._timeline.now_ms, pair, accepted=False)

    # ── offsets ──────────────────────────────────────────────────────────────────────────────────────────────────

    def ran(self, session: Session, record: Record) -> None:
        """The consumer gave this record to the core."""
        self._sessions[session.partition] = session
        if not self._checker.begins(session, record):
            return
        if goes_before(record):
            place: Place = ((record.topic, record.partition), record.offset)
            ran = _Ran(session, self._timeline.now_ms)
            self._befores.setdefault(line_of(record), {})[place] = ran
        self._runs(session, record)

    def ran_ahead(self, session: Session, record: Record) -> None:
        """The core took this record before its turn."""
        session.ahead.add(record.offset)
        self._runs(session, record)

    def _runs(self, session: Session, record: Record) -> None:
        place: Place = ((record.topic, record.partition), record.offset)
        run = self._ledger.runs.get(place)
        if run is None:
            self._ledger.runs[place] = Run(session)
            return
        run.times += 1
        if not run.session.clean or session.full or place[0] in self._ledger.disturbed:
            run.again += 1
        run.session = session
        self._history.add(self._name, "! runs again", name_of(place))

    def given_again(self, record: Record) -> None:
        """A record that was left in the log was read once more; more than once, and it may be delivered again."""
        place: Place = ((record.topic, record.partition), record.offset)
        run = self._ledger.runs.get(place)
        if run is not None:
            run.again += place in self._ledger.given_again
            run.session = self._sessions.get(place[0], run.session)
        self._ledger.given_again.add(place)

    def committed(self, partition: Partition, position: Position) -> None:
        """The broker took a commit."""
        self._history.add(self._name, f"committed {position.offset}", f"{partition[0]}-{partition[1]}")
        self._checker.committed(self._timeline.now_ms, partition, position, self._broker.logs[partition])
        self._logged(partition, position)

    def _logged(self, partition: Partition, position: Position) -> None:
        """What this process sent for records that are done now. What it lost meanwhile is somebody else's to tell."""
        found = told_by(position)
        for place in [place for place in self._sent if place[0] == partition]:
            offset = place[1]
            if offset < position.offset or (found is not None and is_done(found, self._broker.logs[partition], offset)):
                jobs = [job for job in self._sent.pop(place) if not job.entry.window.closed]
                self._checker.logged(
                    place, [(job.delivery.id, job.delivery.attempts + 1, job.started_ms) for job in jobs]
                )

    def _job(self, token: int) -> Job | None:
        return self._core._flying._jobs.get(token)

    def _pair(self, request: Request) -> Pair | None:
        event = self._ledger.events.get(_header(request, "webhook-id"))
        return None if event is None else self._ledger.pair(event, request.url.rsplit("/", 1)[1])


def _header(request: Request, name: str) -> str:
    return next((value for header, value in request.headers if header == name), "")
