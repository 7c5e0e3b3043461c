"""Which bodies the log keeps of an attempt. Pure.

The laws:
- what was sent is not touched: this is about the record of an attempt and nothing else;
- what cannot be redacted is not kept;
- where a part of the request was redacted, the answer's body is not kept: an endpoint may send back what it was sent;
- a record says of its bodies what was done to them, so that nobody sends a redacted one again or takes a body that was
  left out for an empty one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from consumer.delivery.delivery import Attempt, Bodies
from consumer.delivery.logged import DELIVERED_WORD, Attempted
from consumer.delivery.target import Unsignable
from consumer.events.redaction import NotRedactable, Paths, paths_of, redacted
from consumer.settings import Settings

Keep: TypeAlias = Callable[[Attempt, Attempted], Attempt]
"""The attempt's record with what is kept of its bodies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBodies:
    """`of`: the bodies of all attempts, of those that were not accepted, or of none; without what is at the paths."""

    of: Literal["all", "failed", "none"]
    paths: Paths

    def kept(self, attempt: Attempt, job: Attempted) -> Attempt:
        """The record with what is kept of its bodies."""
        if not attempt.request_body and not attempt.response_body:
            return attempt
        if self.of == "none" or (self.of == "failed" and attempt.outcome == DELIVERED_WORD):
            return without_bodies(attempt)
        return attempt if not self.paths or not attempt.request_body else self._redacted(attempt, job)

    def _redacted(self, attempt: Attempt, job: Attempted) -> Attempt:
        event, before = job.delivery.event, job.delivery.body
        if not event.data:  # it is sent again from its record, which has the body alone
            return without_bodies(attempt)
        try:
            data = redacted(event.data, self.paths)
            if data is None:
                return attempt
            signer = job.target.signer
            if before is not None and signer.body(event)[0] != before:  # it was rendered as the webhook was then
                return without_bodies(attempt)
            body, _ = signer.body(msgspec.structs.replace(event, data=data))
        except (NotRedactable, Unsignable):
            return without_bodies(attempt)
        return msgspec.structs.replace(attempt, request_body=body, response_body=b"", bodies=Bodies.REDACTED)


def without_bodies(attempt: Attempt) -> Attempt:
    """The record without its bodies, which says so."""
    return msgspec.structs.replace(attempt, request_body=b"", response_body=b"", bodies=Bodies.NONE)


def keeping(settings: Settings) -> Keep | None:
    """What the settings ask for; None: every body is kept as it is."""
    if settings.log_bodies == "all" and not settings.redact:
        return None
    return KeptBodies(of=settings.log_bodies, paths=paths_of(settings.redact)).kept
