"""`hookline poison replay`: poison records back to their event topic, after a producer or a schema was mended.

The law: an event and the mark that it was written are one transaction. So whoever interrupts this, and asks again, goes
on with the rest.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from consumer.cli.deeds import tell
from consumer.cli.exits import INTERRUPTED, CommandFailed, bad_input, say, usage
from consumer.cli.flags import Limit, checked_limit
from consumer.cli.poison_flags import PoisonFlags, filters_of
from consumer.cli.progress import bar
from consumer.cli.reach import installation, partitions
from consumer.cli.replay_view import broken_off, ended, print_summary
from consumer.cli.stopping import Stop
from consumer.configuration import load
from consumer.kafka.client import KafkaBroken
from consumer.kafka.republished import read_republished
from consumer.kafka.selection import event_topics, our_own
from consumer.kafka.topics import Topics
from consumer.replay.poison import PoisonFilters, PoisonRecord, Spot, read
from consumer.replay.poison_plan import PoisonPlanner, Way
from consumer.replay.poison_run import PoisonSummary, PoisonWriter, originals
from consumer.replay.poison_run import replay as run_replay
from consumer.settings import Settings

_NAMED: Final = 10


def replay(
    *places: str,
    flags: PoisonFlags | None = None,
    all_: Annotated[bool, Parameter(name="--all", negative=(), help="Every poison record.")] = False,
    to: Annotated[str | None, Parameter(help="To this topic. Default: to the one that each came from.")] = None,
    value: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="A file with the mended value of a single record; - for stdin."),
    ] = None,
    again: Annotated[bool, Parameter(negative=(), help="Also those replayed before.")] = False,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what would be done.")] = False,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask before records that a filter chose.")] = False,
    limit: Limit = None,
    json: Annotated[bool, Parameter(negative=(), help="The summary as JSON.")] = False,
) -> int:
    """Write poison records to their event topic again, with their own key, value and headers.

    Parameters
    ----------
    places
        TOPIC-PARTITION-OFFSET of each, on the poison topic or where it was read; filters narrow them down.
    """
    filters, most = filters_of(flags, places, _now_ms()), checked_limit(limit)
    if bool(filters) == all_:
        raise usage("say which: places, a filter, or --all for every poison record (only one of these)", field="--all")
    if value is not None and len(places) != 1:
        raise usage("--value mends one record: give its place", field="--value")
    if not (places or yes or dry_run or (sys.stdin.isatty() and not json)):
        raise usage("a filter may choose many: say --yes, or look at them with --dry-run first", field="--yes")
    way = Way(again=again, to=to, value=None if value is None else _value(value))
    settings = installation(load(), _replaying)
    there = partitions(settings)
    _check_target(settings, to, there)
    with Stop() as stop:
        chosen = _Chosen(read(settings, filters), most, stop)
        if unknown := sorted(filters.spots - chosen.spots)[:1]:
            raise bad_input(f"there is no poison record {unknown[0]}, or the filters leave it out", field="places")
        if not (places or yes or dry_run) and not _confirmed(chosen, to, stop):
            say("nothing was replayed")
            return INTERRUPTED if stop.asked else os.EX_OK
        summary = _replayed(settings, filters, chosen, stop, way=way, there=there, dry_run=dry_run)
    if summary.replayed and not dry_run:
        tell(settings, "replayPoison", tenant="", brand="", target=places[0] if len(places) == 1 else "")
    _tell(settings, summary, chosen, to, dry_run=dry_run, as_json=json)
    return ended(summary, len(chosen.ids))


class _Chosen:
    """The poison records of a run: their ids, places and topics, read once before anything is written."""

    def __init__(self, found: Iterator[PoisonRecord], limit: int | None, stop: Stop) -> None:
        self.ids: set[str] = set()
        self.spots: set[Spot] = set()
        self.topics: Counter[str] = Counter()
        for poison in islice(found, limit):
            if stop.asked:
                raise KeyboardInterrupt
            self.ids.add(poison.id)
            self.spots.add(poison.spot)
            if poison.source is not None:
                self.spots.add(poison.source)
                self.topics[poison.source.topic] += 1


def _replayed(
    settings: Settings,
    filters: PoisonFilters,
    chosen: _Chosen,
    stop: Stop,
    *,
    way: Way,
    there: dict[str, int],
    dry_run: bool,
) -> PoisonSummary:
    """The run itself, after the writer was opened: from then on nobody else writes poison records again."""
    writer = None if dry_run else PoisonWriter.open(settings)
    planner = PoisonPlanner(marks=read_republished(settings), partitions=there, is_ours=our_own(settings), way=way)
    summary = PoisonSummary()
    with bar("replaying", len(chosen.ids)) as advance, originals(settings, there) as kept:
        try:
            run_replay(
                (found for found in read(settings, filters) if found.id in chosen.ids),
                planner,
                kept.find,
                (lambda _: None) if writer is None else writer.write,
                stop=lambda: stop.asked,
                summary=summary,
                progress=lambda told: advance(told.replayed + told.skipped.total()),
            )
        except KafkaBroken as error:
            raise broken_off(error, summary, len(chosen.ids)) from None
    return summary


def _confirmed(chosen: _Chosen, to: str | None, stop: Stop) -> bool:
    """Ask on the terminal; a number is said before anything is written."""
    where = to or ", ".join(f"{name} ({count})" for name, count in sorted(chosen.topics.items())) or "nowhere"
    count = len(chosen.ids)
    say(f"{count} poison record{'' if count == 1 else 's'} would be written to {where}")
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    answer = stop.next_of(iter(sys.stdin.readline, ""))
    return answer is not None and answer.strip().lower() in {"y", "yes"}


def _check_target(settings: Settings, to: str | None, there: dict[str, int]) -> None:
    """Raises CommandFailed: 64, the topic named is Hookline's own; 78, there is none."""
    if to is None:
        return
    if our_own(settings)(to):
        raise usage(f"{to} is one of Hookline's own topics: name a topic of your events", field="--to")
    if to not in there:
        raise CommandFailed(
            os.EX_CONFIG, f"Kafka has no topic {to}: it holds events, so create it yourself", field="--to"
        )


def _tell(
    settings: Settings, summary: PoisonSummary, chosen: _Chosen, to: str | None, *, dry_run: bool, as_json: bool
) -> None:
    print_summary(summary, dry_run=dry_run, as_json=as_json)
    for source in summary.left_out[:_NAMED]:
        say(
            f"{source} was too large for the poison topic, and is there no more: publish the event anew, or use --value"
        )
    if len(summary.left_out) > _NAMED:
        say(f"and {len(summary.left_out) - _NAMED} more")
    written = {to} if to else set(chosen.topics)
    if settings.event_topics and summary.replayed:
        for topic in sorted(written - {*event_topics(settings).among(written)}):
            say(f"HOOKLINE_EVENT_TOPICS does not choose {topic}: under these settings nobody reads it")


def _value(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise bad_input(f"{file}: {error.strerror}", field="--value") from None


def _replaying(topics: Topics) -> list[str]:
    return [topics.poison, topics.jobs]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
