"""Portal links ended before their time, as a long-lived process does it for a customer, or for the operator.

The law: an end that returns is on the state topic, so every process sees it from its next request on; what ends what is
already over is taken off the topic again.
"""

from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from typing import Final

from consumer.control.api_keys import Writer
from consumer.control.owner import Owner
from consumer.control.portal_ends import PortalEnd, PortalEnds, encode, record_key
from consumer.control.portal_link_ids import PortalLinkIds, made_at_ms
from consumer.kafka.client import KafkaBroken
from consumer.kafka.writing import NewRecord
from consumer.webhooks.keyring import Keyring

MOST_ENDED: Final = 1_000
"""Links of one owner that were ended one by one, and would still be open."""

_SWEPT: Final = 20
_PATIENCE_S: Final = 5.0


class LinkUnknown(LookupError):  # noqa: N818 # it names a state, as the glossary does
    """There is no link of this owner's with this id."""

    def __init__(self) -> None:
        super().__init__("there is no such link")


class EndsFull(Exception):  # noqa: N818 # same
    """The owner ended as many links one by one as may be remembered."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} links were ended one by one in the last days: end all of them at once")


class PortalEnding:
    """For many threads. `topic` is the state topic, which `ends` is the fold of."""

    def __init__(
        self,
        topic: str,
        *,
        keyring: Keyring,
        ends: PortalEnds,
        writer: Writer,
        now_ms: Callable[[], int],
        most: int = MOST_ENDED,
    ) -> None:
        self._topic = topic
        self._ids = PortalLinkIds(keyring)
        self._ends = ends
        self._writer = writer
        self._now_ms = now_ms
        self._most = most

    def end(self, owner: Owner, link: str) -> None:
        """End what this link opened, or would open. To end it again changes nothing.

        Raises:
            LinkUnknown: it is no link of this owner's.
            EndsFull: too many were ended so.
            KafkaBroken: not acknowledged in time; it may have been written.
        """
        if not self._ids.made_for(link, owner):
            raise LinkUnknown
        if self._ends.ended(owner, link):
            return
        if len(self._ends.of(owner)) >= self._most and not self._sweep(owner, self._ends.over(owner, self._now_ms())):
            raise EndsFull(self._most)
        self._write(owner, link, self._now_ms())

    def end_all(self, owner: Owner) -> None:
        """End whatever the owner's links opened until now, or would open. Raises KafkaBroken."""
        until_ms = self._now_ms()
        self._write(owner, None, until_ms)
        # One that a process with a faster clock made is later than this end, and stays ended by its own.
        self._sweep(owner, [link for link in self._ends.of(owner) if made_at_ms(link) <= until_ms])

    def _sweep(self, owner: Owner, links: list[str]) -> int:
        """Take a few ends off the topic that nobody has to know of any more. How many."""
        swept = links[:_SWEPT]
        for link in swept:
            self._put(record_key(owner, link), None)
        return len(swept)

    def _write(self, owner: Owner, link: str | None, ended_at_ms: int) -> None:
        end = PortalEnd(tenant=owner.tenant, brand=owner.brand, link=link, ended_at_ms=ended_at_ms)
        self._put(record_key(owner, link), encode(end))

    def _put(self, key: bytes, value: bytes | None) -> None:
        try:
            self._writer.write(NewRecord(topic=self._topic, key=key, value=value)).result(_PATIENCE_S)
        except NotYet:
            raise KafkaBroken(f"the state topic did not acknowledge within {_PATIENCE_S:g} s") from None
