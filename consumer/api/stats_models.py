"""A webhook's statistics as JSON: what may be asked, and what is told."""

from typing import Annotated, Literal

from pydantic import Field

from consumer.api.model import Time, Told

_MEAN = "Of all answers, in ms; null: there was none."
_WORST = "Of the answer that took longest, in ms; null: there was none."


class StatsFigures(Told):
    """Attempts: retries count too, tests do not, and neither do failures of ours."""

    delivered: Annotated[int, Field(description="Accepted attempts.")]
    failed: Annotated[int, Field(description="Attempts that were not.")]
    mean_ms: Annotated[float | None, Field(description=_MEAN)]
    worst_ms: Annotated[int | None, Field(description=_WORST)]


class StatsBucket(StatsFigures):
    """Those that began in one hour, or on one day (of UTC)."""

    start: Time


class CodeShare(Told):
    """How many were answered so."""

    code: Annotated[str, Field(description="A status, or none.")]
    attempts: int
    share: Annotated[float, Field(description="Of all that are listed, 0 to 1.")]


class CauseShare(Told):
    """How many failed for this."""

    cause: Annotated[str, Field(description="The `code` of an attempt's explanation.")]
    attempts: int
    share: Annotated[float, Field(description="Of all that are listed, accepted ones too.")]


class TypeShare(Told):
    """How many were of this event type."""

    type: str
    attempts: int
    share: float


class StatsListed(Told):
    """Of the newest attempts of the period that the log lists, 2,000 at most; of each kind of share the 20 largest."""

    attempts: Annotated[int, Field(description="Of so many.")]
    since: Annotated[Time | None, Field(description="When the first of them began; null: there is none.")]
    p50_ms: Annotated[int | None, Field(description="Half of the answers took no longer.")]
    p95_ms: Annotated[int | None, Field(description="95 of 100 answers took no longer.")]
    codes: list[CodeShare]
    causes: list[CauseShare]
    types: list[TypeShare]


class Stats(Told):
    """A webhook's attempts over a period. What is not known at the moment is null."""

    object: Literal["stats"]
    webhook: str
    period: Literal["24h", "30d"]
    bucket_seconds: int
    buckets: Annotated[
        list[StatsBucket] | None, Field(description="All hours, or days, up to this one, the oldest first.")
    ]
    totals: Annotated[StatsFigures | None, Field(description="Of all buckets.")]
    listed: Annotated[StatsListed | None, Field(description="What the log's lists say of it.")]
