"""Where an import goes to: the webhooks and API keys that there are, and those that are written.

The law: what is written was read back from the topic when `write` returns, and holds.
"""

import os
import time
from collections.abc import Sequence
from contextlib import closing
from functools import cached_property
from typing import Final

from consumer.cli.deeds import by_whom, tell_all
from consumer.cli.exits import CommandFailed, say
from consumer.control import canary
from consumer.control.applied import CacheWatch, Seen
from consumer.control.audit import Deed, new_id
from consumer.control.key_directory import KeyDirectory
from consumer.control.key_writes import key_record, read_keys
from consumer.control.keys import ApiKey
from consumer.kafka import subscriptions
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.transfer.plan import Planned
from consumer.webhooks.history import State
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import Subscription

_BATCH: Final = 500
_PATIENCE_S: Final = 5.0


class Target:
    """What there is here, read when it is first asked for, and how more of it is written."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def keyring(self) -> Keyring:
        """The encryption keys, held against what they sealed before."""
        return canary.sealing_keyring(self.settings)

    @cached_property
    def states(self) -> dict[str, State]:
        """Every webhook, and every deletion that is still told of."""
        return subscriptions.read_states(self.settings)

    @cached_property
    def keys(self) -> KeyDirectory:
        """Every API key."""
        return read_keys(self.settings)

    def write(self, planned: Sequence[Planned]) -> None:
        """Write all of it, and see that it is there.

        Raises:
            KafkaBroken: not all of it was acknowledged; what was holds, and another import goes on with the rest.
            CommandFailed: 75, somebody changed a webhook at the same moment.
        """
        last: dict[int, tuple[str, Place]] = {}
        with closing(TopicWriter(self.settings)) as writer:
            for start in range(0, len(planned), _BATCH):
                batch = planned[start : start + _BATCH]
                for each, place in [(each.what, writer.write(self._record(each.what))) for each in batch]:
                    written = place.result()
                    if isinstance(each, Subscription):
                        last[written.partition] = (each.tenant, written)
        self._check(planned)
        self._tell(planned)
        self._await(last)

    def _record(self, what: Subscription | ApiKey) -> NewRecord:
        if isinstance(what, ApiKey):
            return key_record(self.settings, what)
        new = rewrite_of(what)
        topic = Topics.of(self.settings).subscriptions
        return NewRecord(topic=topic, key=new.key, value=new.value, headers=new.headers)

    def _tell(self, planned: Sequence[Planned]) -> None:
        by, at_ms = by_whom(), time.time_ns() // 1_000_000
        deeds = [
            Deed(
                id=new_id(),
                at_ms=at_ms,
                tenant=each.what.tenant,
                brand=each.what.brand,
                by=by,
                action="importWebhook" if isinstance(each.what, Subscription) else "importKey",
                target=each.what.id,
            )
            for each in planned
        ]
        if deeds:
            tell_all(self.settings, deeds)

    def _check(self, planned: Sequence[Planned]) -> None:
        webhooks = {each.what.id: each.what for each in planned if isinstance(each.what, Subscription)}
        found = subscriptions.read_states(self.settings, webhooks) if webhooks else {}
        lost = [id_ for id_, what in webhooks.items() if found.get(id_) != what]
        if lost:
            raise CommandFailed(
                os.EX_TEMPFAIL,
                f"{len(lost)} webhooks were changed by somebody else at the same moment, such as {min(lost)}: "
                "import the file again",
            )

    def _await(self, last: dict[int, tuple[str, Place]]) -> None:
        with closing(CacheWatch(self.settings)) as cache:
            for tenant, place in last.values():
                seen = cache.wait(tenant, place, _PATIENCE_S)
                if seen is not Seen.APPLIED:
                    say(f"all is written, but deliveries may not go by it yet: {seen}")
                    return
