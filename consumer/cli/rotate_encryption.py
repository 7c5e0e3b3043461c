"""`hookline keys rotate-encryption`: webhooks' secrets and tenants' data keys under the first of the encryption keys.

The law: it may run beside everything else, be stopped and be run again. It says of a key that no webhook needs it any
more only when the topic, read after the last write, says so.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from consumer.cli.deeds import tell
from consumer.cli.exits import INTERRUPTED, CommandFailed, say
from consumer.cli.output import print_fields, print_json
from consumer.cli.reach import installation, with_cache
from consumer.cli.stopping import Stop
from consumer.configuration import load
from consumer.control.applied import CacheWatch, Seen
from consumer.control.canary import sealing_keyring
from consumer.control.reseal_run import Summary, reseal
from consumer.data_keys.kept_keys import KeysTopic, Resealed
from consumer.data_keys.kept_keys import reseal as reseal_keys
from consumer.json import Json
from consumer.kafka import subscriptions
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import Subscription

_PATIENCE_S: Final = 5.0


def rotate_encryption(
    *, json: Annotated[bool, Parameter(negative=(), help="The summary as one JSON object.")] = False
) -> int:
    """Seal webhooks' secrets and tenants' data keys with the first of HOOKLINE_ENCRYPTION_KEYS, and say which are free.

    Before: put the new key first in HOOKLINE_ENCRYPTION_KEYS, keep the old ones behind it, and restart every process.
    """
    settings = with_cache(installation(load(), lambda topics: [topics.subscriptions]))
    keyring = sealing_keyring(settings)
    with Stop() as stop, closing(TopicWriter(settings)) as writer, _progress() as progress:
        data_keys = reseal_keys(KeysTopic(settings, writer), keyring, stop=lambda: stop.asked)
        summary = reseal(_Topic(settings, writer), keyring, now_ms=_now_ms, stop=lambda: stop.asked, progress=progress)
    summary.uses += data_keys.uses
    if summary.resealed or data_keys.resealed:
        tell(settings, "rotateEncryption", tenant="", brand="", target=keyring.sealing_id)
    _print(summary, data_keys, keyring, as_json=json)
    return _ended(settings, summary, data_keys, keyring)


@dataclass(frozen=True, slots=True)
class _Topic:
    settings: Settings
    writer: TopicWriter

    def read(self) -> Mapping[str, Subscription]:
        return subscriptions.read_all(self.settings)

    def write(self, subscription: Subscription) -> "Future[Place]":
        new = rewrite_of(subscription)
        topic = Topics.of(self.settings).subscriptions
        return self.writer.write(NewRecord(topic=topic, key=new.key, value=new.value, headers=new.headers))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    columns = (TextColumn("sealing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("sealing", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _print(summary: Summary, data_keys: Resealed, keyring: Keyring, *, as_json: bool) -> None:
    shown: dict[str, Json] = {
        "sealed_with": keyring.sealing_id,
        "webhooks": summary.webhooks,
        "resealed": summary.resealed,
        "lost_races": summary.lost,
        "left": summary.left,
        "unreadable": [*sorted(summary.unreadable)],
        "data_keys": data_keys.keys,
        "data_keys_resealed": data_keys.resealed,
        "data_keys_unreadable": [*sorted(data_keys.unreadable)],
        "uses": {key_id: summary.uses[key_id] for key_id in sorted(summary.uses)},
        "unused": [*_unused(summary, keyring)],
    }
    if as_json:
        print_json(shown)
    else:
        print_fields({name.replace("_", " "): value for name, value in shown.items()})


def _unused(summary: Summary, keyring: Keyring) -> list[str]:
    """The ring's keys that no webhook and no data key needs, but for the one that seals."""
    return [key_id for key_id in keyring.ids if key_id not in summary.uses and key_id != keyring.sealing_id]


def _ended(settings: Settings, summary: Summary, data_keys: Resealed, keyring: Keyring) -> int:
    if summary.stopped and (summary.left or data_keys.left):
        say(f"interrupted: {summary.left} webhooks are left; run again, it goes on with them")
        return INTERRUPTED
    if summary.unreadable:
        first = min(summary.unreadable)
        raise CommandFailed(
            os.EX_CONFIG,
            f"the secrets of {len(summary.unreadable)} webhooks were left as they are, such as those of {first}: "
            f"{summary.unreadable[first]}",
        )
    if data_keys.unreadable:
        key_id = min(data_keys.unreadable)
        raise CommandFailed(
            os.EX_CONFIG,
            f"{len(data_keys.unreadable)} data keys of tenants were left as they are, such as {key_id}: "
            f"{data_keys.unreadable[key_id]}",
        )
    if summary.left:
        raise CommandFailed(
            os.EX_TEMPFAIL,
            f"{summary.left} webhooks were sealed with another key meanwhile: restart every process with "
            f"{keyring.sealing_id} first in HOOKLINE_ENCRYPTION_KEYS, and run this again",
        )
    for unused in _unused(summary, keyring):
        say(f"no webhook needs {unused} any more{_but(settings, summary)}")
    return os.EX_OK


def _but(settings: Settings, summary: Summary) -> str:
    """What is to be awaited before a key is taken away: the cache must hold what the topic holds."""
    with closing(CacheWatch(settings)) as cache:
        for tenant, place in summary.last.values():
            seen = cache.wait(tenant, place, _PATIENCE_S)
            if seen is not Seen.APPLIED:
                return f" on the topic; the cache may still hold secrets under it: {seen}"
    return ""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
