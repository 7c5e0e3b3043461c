"""Builders for tests of the delivery room: events, subscriptions, rules and a signer that needs no keys."""

from consumer.brands.brand import Brand
from consumer.brands.loader import brand
from consumer.delivery.answer import Failure, FailureKind, Response
from consumer.delivery.core import Core, Rules
from consumer.delivery.delivery import Delivery, delivery_id
from consumer.delivery.entry import Entry
from consumer.delivery.lane import Job, Patience
from consumer.delivery.limits import Limits
from consumer.delivery.offsets import Partition, Window
from consumer.delivery.schedule import Schedule
from consumer.delivery.target import Target
from consumer.delivery.tenants import Freshness
from consumer.events.event import Event, Record
from consumer.signing.signer import Signer
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import (
    OnFailure,
    PayloadFormat,
    Retries,
    SigningProfile,
    Status,
    Subscription,
)

NOW_MS = 1_790_000_000_000
ORDERED = "hookline.ordered"
SCHEDULE = Schedule(
    delays_ms=(0, 1_000, 5_000, 20_000),
    names=("0s", "1s", "5s", "20s"),
    retry_for_ms=600_000,
    wait_for_ms=1_200_000,
)


KEYRING = Keyring({"k1": bytes(32)})
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def target_of(subscription: Subscription) -> Target:
    brand_of: Brand = brand(subscription.brand)
    return Target(subscription, lambda each: Signer(each, brand_of, KEYRING))


def event(event_id: str = "evt_1", *, tenant: str = "acme", offset: int = 0, event_type: str = "post.created") -> Event:
    return Event(
        id=event_id,
        type=event_type,
        tenant=tenant,
        product=None,
        time_ms=NOW_MS,
        data=b'{"n":1}',
        topic="events",
        partition=0,
        offset=offset,
        timestamp_ms=NOW_MS,
    )


def record_at(place: Partition, offset: int, at_ms: int = NOW_MS) -> Record:
    """A record whose content is its reader's to say."""
    topic, partition = place
    return Record(topic=topic, partition=partition, offset=offset, key=None, value=b"", headers=(), timestamp_ms=at_ms)


def subscription(
    subscription_id: str = "sub_1",
    *,
    tenant: str = "acme",
    url: str = "https://example.com/hook",
    status: Status = Status.ACTIVE,
    retries: Retries = Retries.STANDARD,
    rate_per_s: float | None = None,
    max_concurrency: int | None = None,
    ordering: str = "none",
    on_failure: OnFailure = OnFailure.DEAD_LETTER,
) -> Subscription:
    return Subscription(
        id=subscription_id,
        tenant=tenant,
        brand="hookline",
        url=url,
        secret=KEYRING.seal(SECRET, tenant=tenant, subscription_id=subscription_id),
        signing=SigningProfile.STANDARD,
        payload_format=PayloadFormat.STANDARD,
        created_at_ms=NOW_MS,
        updated_at_ms=NOW_MS,
        status=status,
        retries=retries,
        rate_per_s=rate_per_s,
        max_concurrency=max_concurrency,
        ordering=ordering,
        on_failure=on_failure,
    )


def delivery(of: Event | None = None, to: str = "sub_1", *, tier: int = -1, attempts: int = 0) -> Delivery:
    of = of or event()
    return Delivery(
        id=delivery_id(of, to), event=of, subscription_id=to, tier=tier, attempts=attempts, first_due_ms=NOW_MS
    )


def job(to: Subscription | None = None, *, of: Delivery | None = None) -> Job:
    to = to or subscription()
    window = Window(("events", 0))
    window.begin(0)
    return Job(entry=Entry(window, 0), delivery=of or delivery(to=to.id), target=target_of(to))


def limits(
    *,
    in_flight: int = 64,
    tenant_in_flight: int | None = None,
    queued: int = 1_000,
    lane_concurrency: int = 8,
    patience: Patience | None = None,
) -> Limits:
    return Limits(
        in_flight=in_flight,
        tenant_in_flight=tenant_in_flight or in_flight,
        queued=queued,
        lane_concurrency=lane_concurrency,
        patience=patience or Patience(),
        breaker_times_ms=SCHEDULE.delays_ms[1:],
    )


def rules(
    *, of_limits: Limits | None = None, fan_out: int = 8, schedule: Schedule = SCHEDULE, waiting: int = 20_000
) -> Rules:
    return Rules(
        schedule=schedule,
        limits=of_limits or limits(),
        freshness=Freshness(staleness_ms=1_000, memory_for_ms=3_600_000),
        fan_out=fan_out,
        waiting=waiting,
        ordered=ORDERED,
    )


def crowd(core: Core, partition: Partition) -> None:
    """Its map is taken to be nearly as long as a commit may hold, until its position is looked at again."""
    window = core._windows.of[partition]
    window.crowded = True
    core._windows._crowded[window] = None


def response(status: int = 200, *headers: tuple[str, str], elapsed_ms: float = 5.0) -> Response:
    return Response(status=status, headers=headers, body=b"", body_truncated=False, elapsed_ms=elapsed_ms)


def failure(kind: FailureKind = FailureKind.TIMEOUT) -> Failure:
    return Failure(kind=kind, detail="", elapsed_ms=5.0)
