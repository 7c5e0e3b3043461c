"""One attempt, or a delivery, for a person: its fields, why it ended so, and what went over the wire.

The law: what events, endpoints and customers wrote commands no terminal.
"""

import sys
from collections.abc import Iterator
from typing import Final

from consumer.cli.output import print_explanation, print_fields, print_json
from consumer.cli.webhook_port import Shown
from consumer.json import Json
from consumer.telemetry.printable import printable, printable_lines

_INSIDE: Final = frozenset({"request", "response", "explanation", "attemptsKept", "lastAttempt", "object", "curl"})


def print_attempt(shown: Shown, *, as_json: bool) -> None:
    """Print it; as JSON, all that the API answers."""
    if as_json:
        print_json(shown)
        return
    print_fields({name: value for name, value in shown.items() if name not in _INSIDE})
    print_explanation(shown.get("explanation"))
    for part in ("request", "response"):
        _print_message(part, shown.get(part))


_KEPT: Final = {
    "none": "\nits body is not kept",
    "redacted": "parts of it are not kept, and [redacted] here: they were sent",
    "erased": "\nits headers and its body can never be read again: its tenant was erased",
    "locked": "\nits headers and its body are sealed, and HOOKLINE_ENCRYPTION_KEYS does not open its tenant's data key",
}


def _print_message(name: str, message: Json) -> None:
    """A request or an answer: its headers and its body."""
    if not isinstance(message, dict):
        return
    sys.stdout.write(f"\n{name}\n")
    for header in _headers(message.get("headers")):
        sys.stdout.write(f"  {printable(header)}\n")
    body = message.get("body")
    if isinstance(body, str) and body:
        note = " (base64)" if message.get("bodyEncoding") == "base64" else ""
        sys.stdout.write(f"\n{printable_lines(body)}{note}\n")
    told = _KEPT.get(str(message.get("bodyKept")))
    if told is not None:
        sys.stdout.write(f"{told}\n")
    if message.get("cut"):
        sys.stdout.write(f"… {message['bodyBytes']} bytes in all\n")


def _headers(headers: Json) -> Iterator[str]:
    for each in headers if isinstance(headers, list) else ():
        if isinstance(each, dict):
            yield f"{each.get('name')}: {each.get('value')}"
