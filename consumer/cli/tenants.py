"""`hookline tenants erase`: all that can be deleted of a tenant, and a receipt of what went and what remains.

The laws:
- it may be done again, and is the same again: what is not there any more is not deleted a second time;
- API keys and links end first, so that nobody makes anew what goes; what is said to be erased was looked for
  afterwards;
- its data keys are destroyed when the cache has its webhooks no longer: until then somebody might make one;
- the audit log has that it was done.
"""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Annotated, Final

from cyclopts import App, Parameter

from consumer.brands.loader import load_brands
from consumer.cli.deeds import by_whom, tell
from consumer.cli.exits import CommandFailed, say, usage
from consumer.cli.output import print_fields, print_json, print_table
from consumer.cli.reach import installation, with_cache
from consumer.configuration import load
from consumer.control.owner import Owner
from consumer.control.portal_ends import PortalEnd, encode, record_key
from consumer.erasure.keys import DataKeys, destroyed_keys, found_keys
from consumer.erasure.lists import erase_lists
from consumer.erasure.receipt import Erased, Kept, Keys, Names, Receipt, left_of, told
from consumer.erasure.traces import Traces
from consumer.json import Json
from consumer.kafka import subscriptions
from consumer.kafka.reading import read_to_end
from consumer.kafka.retention import all_gone_after_ms
from consumer.kafka.topic_specs import DAY_MS
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.cache import Cache, CacheUnavailable, connect_log
from consumer.webhooks.fields import check_tenant
from consumer.webhooks.history import Deletion
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wrong import FieldInvalid

app = App(name="tenants", help="Erase what is kept of a customer.")

_PASSES: Final = 3
_BATCH: Final = 500
_COMPACTED_MS: Final = 8 * DAY_MS
"""Until a record that was deleted is gone: max.compaction.lag.ms, and delete.retention.ms for the deletion itself."""
_KEYS_COMPACTED_MS: Final = 2 * DAY_MS
"""The same of the topic of tenants' keys."""


@app.command
def erase(
    tenant: str,
    /,
    *,
    yes: Annotated[bool, Parameter(negative=(), help="Do it. It cannot be undone.")] = False,
    dry_run: Annotated[
        bool, Parameter(negative=(), help="Only say what would be erased, and what would remain.")
    ] = False,
    json: Annotated[bool, Parameter(negative=(), help="The receipt as JSON.")] = False,
) -> int:
    """Erase a tenant: its webhooks, keys, links, ended jobs and lists. Prints a receipt, also of what remains.

    Whoever produces events may go on naming it: they are sent to nobody.
    """
    try:
        check_tenant("tenant", tenant)
    except FieldInvalid as error:
        raise usage(error.message, field="tenant") from None
    if yes == dry_run:
        raise usage("look at it with --dry-run first, then say --yes", field="--yes")
    settings = with_cache(installation(load(), lambda topics: [topics.subscriptions, topics.state, topics.jobs]))
    receipt = _Erasure(settings, tenant).dry() if dry_run else _Erasure(settings, tenant).done()
    _print(receipt, as_json=json)
    if receipt.unreached:
        raise CommandFailed(os.EX_TEMPFAIL, f"not all was reached: {'; '.join(receipt.unreached)}. Do it again")
    return os.EX_OK


class _Erasure:
    """What can be erased of one tenant."""

    def __init__(self, settings: Settings, tenant: str) -> None:
        self._settings = settings
        self._tenant = tenant
        self._topics = Topics.of(settings)
        self._last: dict[int, Place] = {}

    def dry(self) -> Receipt:
        """What would be erased."""
        webhooks, traces = self._read()
        erased, keys = _erased(webhooks, traces), found_keys(self._settings, self._tenant)
        erased.data_keys = keys.number
        return replace(self._receipt(erased, traces, [], keys), dry_run=True)

    def done(self) -> Receipt:
        """Erase it.

        Raises:
            KafkaBroken: not all was acknowledged; what was is gone, and another time goes on.
            CommandFailed: 75, somebody makes webhooks for it as fast as they go.
        """
        erased = Erased()
        with closing(TopicWriter(self._settings)) as writer:
            for _ in range(_PASSES):
                webhooks, traces = self._read()
                if not self._delete(webhooks, traces, writer):
                    break
                _add(erased, _erased(webhooks, traces))
            else:
                raise CommandFailed(os.EX_TEMPFAIL, "somebody makes anew what goes: do it again, once nobody does")
            keys = destroyed_keys(self._settings, self._tenant, writer, self._last.values())
        erased.data_keys = keys.number
        unreached = [*keys.unsure, *self._lists(erased)]
        tell(self._settings, "eraseTenant", tenant=self._tenant, brand="")
        return self._receipt(erased, traces, unreached, keys)

    def _read(self) -> tuple[list[Subscription], Traces]:
        found = subscriptions.read_all(self._settings).values()
        traces = Traces(tenant=self._tenant)
        for topic in (self._topics.state, self._topics.jobs):
            for record in read_to_end(self._settings, topic):
                traces.apply(record)
        return [each for each in found if each.tenant == self._tenant], traces

    def _delete(self, webhooks: Sequence[Subscription], traces: Traces, writer: TopicWriter) -> bool:
        """Delete what was found, whoever could make more of it first. Whether there was anything."""
        now_ms, topic = time.time_ns() // 1_000_000, self._topics.state
        ends = [_end(topic, self._tenant, brand, now_ms) for brand in traces.brands_to_end(self._brands)]
        asked, jobs = traces.job_records(self._topics.jobs)
        states = [rewrite_of(Deletion.of(each)) for each in webhooks]
        home = self._topics.subscriptions
        gone = [NewRecord(topic=home, key=each.key, value=None, headers=each.headers) for each in states]
        steps = [ends, traces.records(topic, now_ms), gone, asked, jobs]
        for step in steps:
            for start in range(0, len(step), _BATCH):
                for written in [writer.write(each) for each in step[start : start + _BATCH]]:
                    place = written.result()
                    if step is gone:
                        self._last[place.partition] = place
        return any(steps)

    def _lists(self, erased: Erased) -> list[str]:
        """Delete the lists; what could not be reached."""
        cache = Cache(connect_log(self._settings))
        try:
            erased.lists = erase_lists(cache, self._settings.topic_prefix, self._tenant, self._brands)
        except CacheUnavailable as error:
            return [f"the log's lists in Redis ({error})"]
        finally:
            cache.close()
        return []

    @property
    def _brands(self) -> frozenset[str]:
        return frozenset(load_brands(self._settings.brands_dir))

    def _receipt(self, erased: Erased, traces: Traces, unreached: Sequence[str], data_keys: DataKeys) -> Receipt:
        topics, now_ms = self._topics, time.time_ns() // 1_000_000
        waiting = [*topics.retry_topics, topics.ordered]
        names = Names(
            attempts=topics.attempts,
            waiting=waiting,
            dead_letter=topics.dead_letter,
            poison=topics.poison,
            audit=topics.audit,
            compacted=[topics.subscriptions, topics.state, topics.jobs],
        )
        asked = [topics.attempts, *waiting, topics.dead_letter, topics.poison, topics.audit]
        kept = Kept(gone_after_ms=all_gone_after_ms(self._settings, asked))
        left = left_of(
            names,
            kept,
            now_ms=now_ms,
            compacted_ms=_COMPACTED_MS,
            unfinished=traces.unfinished,
            keys=Keys(topic=topics.tenant_keys, since_ms=data_keys.first_ms, until_ms=now_ms + _KEYS_COMPACTED_MS)
            if erased.data_keys or self._settings.tenant_keys == "on"
            else None,
        )
        return Receipt(tenant=self._tenant, by=by_whom(), at_ms=now_ms, erased=erased, left=left, unreached=unreached)


def _end(topic: str, tenant: str, brand: str, now_ms: int) -> NewRecord:
    """What ends all links to the tenant's pages under this brand."""
    end = PortalEnd(tenant=tenant, brand=brand, link=None, ended_at_ms=now_ms)
    return NewRecord(topic=topic, key=record_key(Owner(tenant=tenant, brand=brand), None), value=encode(end))


def _erased(webhooks: Sequence[Subscription], traces: Traces) -> Erased:
    return Erased(
        webhooks=len(webhooks),
        api_keys=len(traces.keys),
        idempotency_records=len(traces.idempotency),
        links=len(traces.links),
        jobs=len(traces.jobs),
    )


def _add(erased: Erased, more: Erased) -> None:
    erased.webhooks += more.webhooks
    erased.api_keys += more.api_keys
    erased.idempotency_records += more.idempotency_records
    erased.links += more.links
    erased.jobs += more.jobs


def _print(receipt: Receipt, *, as_json: bool) -> None:
    shown = told(receipt)
    if as_json:
        print_json(shown)
        return
    head: dict[str, Json] = {name: shown[name] for name in ("tenant", "by", "at")}
    erased = shown["erased"]
    assert isinstance(erased, dict)
    verb = "would erase" if receipt.dry_run else "erased"
    print_fields(head | {f"{verb} {name}": str(count) for name, count in erased.items()})
    sys.stdout.write("\nwhat remains\n")
    rows = (
        (each.what, each.where, "" if each.until_ms is None else rfc3339(each.until_ms), each.why)
        for each in receipt.left
    )
    print_table(("WHAT", "WHERE", "UNTIL", "WHY"), rows, empty="")
    if receipt.erased.nothing and not receipt.dry_run:
        say("nothing was there to be erased")
