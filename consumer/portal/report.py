"""An attempt as a few lines of text, for a ticket or a coding agent. Pure.

The law: it holds no secret: of headers only those that tell the request apart, and no body.
"""

from typing import Final

from consumer.portal.log_rows import answered
from consumer.portal.shown import shown
from consumer.portal.told import Attempt

_TOLD: Final = ("content-type", "webhook-id", "webhook-timestamp", "user-agent")


def report(told: Attempt) -> str:
    """The lines."""
    said = answered(told.status, told.failure, told.reason)
    took = "" if told.elapsed_ms is None else f" after {told.elapsed_ms:g} ms"
    lines = [
        f"Webhook attempt {told.id}, try {told.number}, {told.at}",
        f"Event {told.event_id} of type {told.type}",
        f"{told.request.method} {told.url}",
        *(f"{each.name}: {each.value}" for each in told.request.headers if each.name.lower() in _TOLD),
        f"Answer: {said.code} {said.text}".rstrip() + took,
    ]
    why = told.explanation
    if why is not None:
        received = "" if why.received is None else f" Received by the endpoint: {why.received}."
        lines += [f"{why.title}. {why.cause}{received}", *(f"- {each}" for each in why.remedies)]
    if told.next_attempt_at is not None:
        lines.append(f"Next try not before {told.next_attempt_at}")
    return "\n".join(map(shown, lines))
