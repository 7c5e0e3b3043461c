"""A projection and a reader on one Redis, and a topic of one partition as a list."""

import secrets

import redis

from consumer.webhooks.bucket import Keys
from consumer.webhooks.history import State
from consumer.webhooks.projection import Applied, Projection
from consumer.webhooks.reader import Loaded, Reader, Unavailable
from consumer.webhooks.record import state_of
from tests.webhook_samples import record

PREFIX = "hookline."
KEYS = Keys(PREFIX)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    """A topic of one partition as a list, a Redis, and those who work on them."""

    def __init__(self, url: str, client: "type[redis.Redis]" = redis.Redis) -> None:
        self.redis = client.from_url(url, socket_timeout=1.0)
        self.clock = Clock()
        self.log: list[State] = []
        self.projection = self.new_projection()
        self.reader = self.new_reader()

    def new_projection(self) -> Projection:
        return Projection(self.redis, topic_prefix=PREFIX, new_token=lambda: secrets.token_hex(8))

    def new_reader(self) -> Reader:
        return Reader(self.redis, topic_prefix=PREFIX, silence_ms=10_000, monotonic_s=self.clock)

    def start(self, projection: Projection | None = None) -> None:
        """Take over and catch up."""
        projection = projection or self.projection
        projection.start([len(self.log)])
        self.catch_up(projection)

    def catch_up(self, projection: Projection | None = None, most: int = 1_000) -> Applied:
        """Apply what is left, the projection's own rewrites included."""
        projection = projection or self.projection
        at = projection.positions[0]
        records = [record(state, offset) for offset, state in enumerate(self.log)][at : at + most]
        step = projection.apply(records, {0: at + len(records)})
        for rewrite in step.rewrites:
            self.log.append(state_of(rewrite.key, rewrite.value, rewrite.headers))
        return self.catch_up(projection) if step.rewrites else step

    def write(self, *states: State) -> None:
        self.log += states
        self.catch_up()

    def ids(self, tenant: str = "acme", reader: Reader | None = None) -> list[str]:
        reading = (reader or self.reader).read({tenant: None})[tenant]
        assert isinstance(reading, Loaded), reading
        return [each.id for each in reading.subscriptions]

    def refuses(self, tenant: str = "acme", reader: Reader | None = None) -> str:
        reading = (reader or self.reader).read({tenant: None})[tenant]
        assert isinstance(reading, Unavailable), reading
        return reading.reason

    def mend(self) -> frozenset[int]:
        """What the role does each second."""
        broken = self.projection.heartbeat()
        self.projection.rebuild(broken, [len(self.log)])
        self.catch_up()
        return broken

    def dump(self) -> dict[bytes, bytes]:
        return {key: self.redis.dump(key) for key in self.redis.scan_iter()}  # type: ignore[misc] # redis-py's Awaitable

    def restore(self, dump: dict[bytes, bytes]) -> None:
        """A stale replica takes over."""
        self.redis.flushdb()
        for key, value in dump.items():
            self.redis.restore(key, 0, value)


class LosesAnswers(redis.Redis):
    """A Redis that does what it is asked, and whose answers are lost on demand."""

    losing = False

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> redis.client.Pipeline:
        made = super().pipeline(transaction, shard_hint)
        if self.losing:
            execute = made.execute

            def lost(raise_on_error: bool = True) -> list[object]:
                execute(raise_on_error)
                raise redis.TimeoutError("lost")

            made.execute = lost  # type: ignore[method-assign] # a fake at the edge
        return made
