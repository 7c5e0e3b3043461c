"""`hookline dead-letters`: what could not be delivered, and a second chance for it.

The law: a dead letter is one delivery id. `replay` never sends the same one twice unless `--again`, wherever it was
interrupted, and says how far it came.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Annotated, cast

import msgspec
from cyclopts import App, Parameter

from consumer.cli.dead_letter_flags import DeadLetterFlags, filters_of
from consumer.cli.deeds import tell
from consumer.cli.exits import bad_input, usage
from consumer.cli.flags import Id, Limit, checked_limit
from consumer.cli.output import print_explanation, print_fields, print_json, print_table
from consumer.cli.progress import bar
from consumer.cli.reach import installation
from consumer.cli.replay_view import broken_off, ended, print_summary
from consumer.cli.stopping import Stop
from consumer.configuration import load
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.sealing import Sealing, patient
from consumer.delivery.delivery import DeadLetter
from consumer.events.identity import webhook_id
from consumer.jobs.dead_letter_desk import Way
from consumer.kafka import subscriptions
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topics import Topics
from consumer.log.resource import explanation_of_dead, told
from consumer.replay.dead_letters import described, read
from consumer.replay.filters import Filters
from consumer.replay.ledger import MOST, Ledger, generations
from consumer.replay.plan import Place, Planner
from consumer.replay.run import Clock, Summary
from consumer.replay.run import replay as run_replay
from consumer.settings import Settings
from consumer.telemetry.printable import printable_lines

app = App(name="dead-letters", help="List, look at and replay deliveries that failed for good.")

AsJson = Annotated[bool, Parameter(negative=(), help="JSON, one object a line.")]


@app.command(name="list")
def list_(*, flags: DeadLetterFlags | None = None, limit: Limit = None, json: AsJson = False) -> int:
    """List dead letters, each once."""
    filters, most = filters_of(flags, (), _now_ms()), checked_limit(limit)
    found = islice(read(installation(load(), _dead_letters), filters), most)
    if json:
        for dead_letter in found:
            print_json(described(dead_letter))
    else:
        columns = ("FAILED AT", "ID", "TENANT", "WEBHOOK", "TYPE", "REASON", "ATTEMPTS", "LAST ANSWER")
        print_table(columns, map(_row, found), empty="there are no such dead letters")
    return os.EX_OK


@app.command
def show(dead_letter: Id, /, *, json: AsJson = False) -> int:
    """Show one dead letter with the body that was sent, or the event's data where nothing was sent yet."""
    found = next(read(installation(load(), _dead_letters), Filters(ids=frozenset({dead_letter}))), None)
    if found is None:
        raise bad_input(f"there is no dead letter {dead_letter}", field="dead_letter")
    delivery = found.delivery
    rendered = delivery.body is not None
    shown = described(found) | {
        "message_id": webhook_id(delivery.event),  # the header webhook-id; `webhook` is whose it is
        "content_type": delivery.content_type if rendered else None,
        "traceparent": delivery.event.traceparent,
        "tracestate": delivery.event.tracestate,
        "rendered": rendered,
    }
    body = delivery.event.data if delivery.body is None else delivery.body
    why = told(explanation_of_dead(found))
    if json:
        print_json(shown | {"explanation": why, "body": body.decode("utf-8", "replace")})
    else:
        print_fields(shown)
        print_explanation(why)
        sys.stdout.write("\n" + printable_lines(_pretty(body)) + "\n")
    return os.EX_OK


@app.command
def replay(
    *ids: str,
    flags: DeadLetterFlags | None = None,
    all_: Annotated[bool, Parameter(name="--all", negative=(), help="Every dead letter.")] = False,
    again: Annotated[
        bool, Parameter(negative=(), help="Also those replayed before, up to HOOKLINE_MAX_REPLAYS times.")
    ] = False,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what would be done.")] = False,
    position: Annotated[
        Place, Parameter(help="Of an ordered webhook: before what waits of its key, or after it.")
    ] = Place.BEFORE,
    rate: Annotated[float | None, Parameter(help="Replays a second, at most.")] = None,
    limit: Limit = None,
    json: AsJson = False,
) -> int:
    """Send dead letters again, each to its own webhook only. Prints how many matched, were replayed and skipped.

    Parameters
    ----------
    ids
        The dead letters' ids; filters narrow them down.
    """
    if rate is not None and not rate > 0:
        raise usage("--rate is a number of replays a second, above 0", field="--rate")
    filters, most = filters_of(flags, ids, _now_ms()), checked_limit(limit)
    if bool(filters) == all_:
        raise usage("say which: ids, a filter, or --all for every dead letter (and only one of these)", field="--all")
    settings = installation(load(), _replaying)
    with Stop() as stop, closing(TenantKeys(settings)) as keys:
        chosen = _Chosen(read(settings, filters), most, stop)
        if unknown := sorted(filters.ids - chosen.ids)[:1]:
            raise bad_input(f"there is no dead letter {unknown[0]}, or the filters leave it out", field="ids")
        way = Way(again=again, dry_run=dry_run, place=position)
        summary = _replayed(settings, filters, chosen, stop, way=way, rate=rate, sealing=patient(settings, keys))
    if summary.replayed and not dry_run:
        tell(settings, "replayDeadLetters", tenant="", brand="", target=ids[0] if len(ids) == 1 else "")
    print_summary(summary, dry_run=dry_run, as_json=json)
    return ended(summary, len(chosen.ids))


class _Chosen:
    """The dead letters of a run: their ids and webhooks, read once before anything is written."""

    def __init__(self, found: Iterator[DeadLetter], limit: int | None, stop: Stop) -> None:
        self.ids: set[str] = set()
        self.webhooks: set[str] = set()
        for dead_letter in islice(found, limit):
            if stop.asked:
                raise KeyboardInterrupt
            self.ids.add(dead_letter.delivery.id)
            self.webhooks.add(dead_letter.delivery.subscription_id)


def _replayed(
    settings: Settings,
    filters: Filters,
    chosen: _Chosen,
    stop: Stop,
    *,
    way: Way,
    rate: float | None,
    sealing: Sealing | None,
) -> Summary:
    """The run itself, after the ledger was opened: from then on nobody else replays."""
    ledger = None if way.dry_run else Ledger.open(settings, sealing=sealing, by_hand=True)
    planner = Planner(
        generations=generations(settings) if ledger is None else ledger.generations(),
        statuses={
            subscription.id: subscription.status
            for subscription in subscriptions.read_all(settings, chosen.webhooks).values()
        },
        max_replays=settings.max_replays,
        again=way.again,
        place=way.place,
    )
    summary = Summary()
    with bar("replaying", len(chosen.ids)) as advance:
        try:
            return run_replay(
                (found for found in read(settings, filters) if found.delivery.id in chosen.ids),
                planner,
                (lambda _: None) if ledger is None else ledger.write,
                clock=Clock(now_ms=_now_ms, monotonic_s=time.monotonic, sleep=time.sleep),
                most=MOST,
                rate_per_s=None if way.dry_run else rate,
                stop=lambda: stop.asked,
                summary=summary,
                progress=lambda told: advance(told.replayed + told.skipped.total()),
            )
        except KafkaBroken as error:
            raise broken_off(error, summary, len(chosen.ids)) from None


def _row(dead_letter: DeadLetter) -> tuple[str, ...]:
    shown = described(dead_letter)
    delivery = dead_letter.delivery
    return (
        cast("str", shown["failed_at"]),
        delivery.id,
        delivery.event.tenant,
        delivery.subscription_id,
        delivery.event.type,
        dead_letter.reason,
        str(delivery.attempts),
        delivery.last_reason or dead_letter.detail,
    )


def _pretty(body: bytes) -> str:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "backslashreplace")


def _dead_letters(topics: Topics) -> list[str]:
    return [topics.dead_letter]


def _replaying(topics: Topics) -> list[str]:
    return [topics.dead_letter, topics.retry(0), topics.ordered, topics.jobs, topics.subscriptions]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
