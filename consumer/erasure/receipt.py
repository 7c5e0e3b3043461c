"""What was erased of a tenant, and what remains: for whoever has to answer that person. Pure.

The law: whatever still names the tenant, or holds what was sent for it, is named with where it is and until when; what
nobody knows is said not to be known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumer.json import Json
from consumer.signing.timestamps import rfc3339

_BUT_HEADS: Final = ", but for ids, times, event types, hosts and paths, statuses and reasons"
_BUT_NAMELESS: Final = ", but for keys and headers, and for records that name no tenant: Avro, and JSON that is broken"
_NO_SINGLE: Final = "Kafka deletes no single record, only what is older than a topic's retention"


@dataclass(slots=True, kw_only=True)
class Erased:
    """How much of each went."""

    webhooks: int = 0
    api_keys: int = 0
    idempotency_records: int = 0
    links: int = 0
    jobs: int = 0
    lists: int = 0
    data_keys: int = 0

    @property
    def nothing(self) -> bool:
        """Whether there was nothing of the tenant."""
        counts = (self.webhooks, self.api_keys, self.idempotency_records, self.links, self.jobs, self.lists)
        return not any((*counts, self.data_keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left, and why. `until_ms` is when the last of it goes, None where nobody knows or no time is set."""

    what: str
    where: str
    until_ms: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The whole of it. `unfinished` are jobs that end by themselves; `unreached` says what could not be reached."""

    tenant: str
    by: str
    at_ms: int
    erased: Erased
    left: Sequence[Left]
    unreached: Sequence[str] = field(default_factory=tuple)
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """For how long topics keep records after they were written: by topic, None where nobody knows or it is for ever."""

    gone_after_ms: Mapping[str, int | None]

    def until_ms(self, topics: Sequence[str], at_ms: int) -> int | None:
        """When the last of what these topics hold now is gone."""
        found = [self.gone_after_ms.get(topic) for topic in topics]
        known = [each for each in found if each is not None]
        return at_ms + max(known) if known and len(known) == len(found) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The tenant's data keys, which were destroyed. `since_ms`: when its first one was made, where that is known.

    `until_ms`: so long at most their sealed records lie on `topic`.
    """

    topic: str
    since_ms: int | None
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The topics that hold something of a tenant for a time."""

    attempts: str
    waiting: Sequence[str]
    dead_letter: str
    poison: str
    audit: str
    compacted: Sequence[str]


def left_of(
    names: Names,
    kept: Kept,
    *,
    now_ms: int,
    compacted_ms: int,
    unfinished: Sequence[str],
    keys: Keys | None = None,
) -> list[Left]:
    """What remains after all was deleted that can be. `compacted_ms`: how long a deleted record may lie there yet.

    `keys`: where what was written for it was sealed with data keys of its own.
    """
    left = [
        Left(
            what="its events",
            where="your event topics",
            until_ms=None,
            why="they are your producers': until the retention that you set. What comes from now on is sent to nobody",
        ),
        Left(
            what="requests that were made for it and answers to them",
            where=names.attempts,
            until_ms=kept.until_ms([names.attempts], now_ms),
            why=f"{_NO_SINGLE}; lists of them are made anew if Redis is emptied before{_sealed(keys, _BUT_HEADS)}",
        ),
        Left(
            what="deliveries that waited, which are dropped when they are due",
            where=", ".join(names.waiting),
            until_ms=kept.until_ms(names.waiting, now_ms),
            why=_NO_SINGLE + _sealed(keys, ""),
        ),
        Left(
            what="deliveries that failed",
            where=names.dead_letter,
            until_ms=kept.until_ms([names.dead_letter], now_ms),
            why=_NO_SINGLE + _sealed(keys, ""),
        ),
        Left(
            what="records that were no events",
            where=names.poison,
            until_ms=kept.until_ms([names.poison], now_ms),
            why=_NO_SINGLE + _sealed(keys, _BUT_NAMELESS),
        ),
        Left(
            what="former states of what was deleted, and the deletions",
            where=", ".join(names.compacted),
            until_ms=now_ms + compacted_ms,
            why="compaction takes them away, if max.compaction.lag.ms is as `hookline topics check` advises",
        ),
        Left(
            what="who did what: the tenant's name, ids, and users of the pages as their links name them",
            where=names.audit,
            until_ms=kept.until_ms([names.audit], now_ms),
            why="it says that this was done",
        ),
        Left(
            what="health and statistics of its webhooks, and when its API keys were used",
            where="Redis",
            until_ms=None,
            why="the role `log` drops the former with the webhooks, within a minute while it runs; the latter name ids",
        ),
        Left(
            what="an end of all links to its pages, by its name",
            where=names.compacted[-1],
            until_ms=None,
            why="links live for 7 days at most: erase it once more after 8 days, and it goes",
        ),
        Left(
            what="copies that were made before",
            where="files of `hookline export`, backups of Kafka, stores that the log is exported to",
            until_ms=None,
            why="they are not Hookline's to delete",
        ),
    ]
    if keys is not None:
        left.append(
            Left(
                what="its data keys, sealed with HOOKLINE_ENCRYPTION_KEYS",
                where=f"{keys.topic}, and every backup of it",
                until_ms=keys.until_ms,
                why="compaction takes them away behind the next write there that comes a day later: another tenant's "
                "first webhook, or this command once more. To have it gone at once, destroy the encryption key too",
            )
        )
    if unfinished:
        left.append(
            Left(
                what=f"{len(unfinished)} jobs that have not ended, such as {unfinished[0]}",
                where=names.compacted[-1],
                until_ms=None,
                why="they end with their webhooks, and go 7 days later; erase it once more then",
            )
        )
    return left


def _sealed(keys: Keys | None, but: str) -> str:
    """What nobody can read of it any more."""
    if keys is None:
        return ""
    since = "while HOOKLINE_TENANT_KEYS was on"
    if keys.since_ms is not None:
        since += f", first at {rfc3339(keys.since_ms)}"
    return f"; what was written {since}, is sealed with a data key that is destroyed{but}"


def told(receipt: Receipt) -> dict[str, Json]:
    """The receipt as JSON."""
    erased = receipt.erased
    left: list[Json] = [
        {
            "what": each.what,
            "where": each.where,
            "until": None if each.until_ms is None else rfc3339(each.until_ms),
            "why": each.why,
        }
        for each in receipt.left
    ]
    return {
        "object": "erasure",
        "tenant": receipt.tenant,
        "by": receipt.by,
        "at": rfc3339(receipt.at_ms),
        "dryRun": receipt.dry_run,
        "erased": {
            "webhooks": erased.webhooks,
            "apiKeys": erased.api_keys,
            "idempotencyRecords": erased.idempotency_records,
            "links": erased.links,
            "jobs": erased.jobs,
            "lists": erased.lists,
            "dataKeys": erased.data_keys,
        },
        "unreached": [*receipt.unreached],
        "left": left,
    }
