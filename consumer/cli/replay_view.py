"""What came of a command that wrote something again itself: the same words for dead letters and for poison records."""

import os
from collections import Counter
from typing import Protocol

from consumer.cli.exits import INTERRUPTED, CommandFailed, say
from consumer.cli.output import print_fields, print_json
from consumer.json import Json
from consumer.kafka.client import KafkaBroken
from consumer.kafka.transactions import TakenOver


class Summary(Protocol):
    """Counts of a run; of `skipped` by reason."""

    matched: int
    replayed: int
    skipped: Counter[str]
    stopped: bool


def print_summary(summary: Summary, *, dry_run: bool, as_json: bool) -> None:
    """The counts of a run that came to an end."""
    skipped: dict[str, Json] = {str(reason): number for reason, number in sorted(summary.skipped.items())}
    if as_json:
        print_json({"matched": summary.matched, "replayed": summary.replayed, "skipped": skipped, "dry_run": dry_run})
        return
    print_fields(
        {
            "matched": summary.matched,
            "would be replayed" if dry_run else "replayed": summary.replayed,
            **{f"skipped: {reason.replace('_', ' ')}": number for reason, number in skipped.items()},
        }
    )


def ended(summary: Summary, chosen: int) -> int:
    """The exit code of a run over so many that were chosen; one that was stopped is said to have been."""
    if not summary.stopped:
        return os.EX_OK
    say(f"interrupted: {summary.replayed} of {chosen} replayed; asked again it goes on with the rest")
    return INTERRUPTED


def broken_off(error: KafkaBroken, summary: Summary, chosen: int) -> CommandFailed:
    """What Kafka kept from its end: how far it came, and that it goes on."""
    code = os.EX_TEMPFAIL if isinstance(error, TakenOver) else os.EX_UNAVAILABLE
    far = f"{summary.replayed} of {chosen} were replayed, asked again it goes on with the rest"
    return CommandFailed(code, f"{error}; {far}")
