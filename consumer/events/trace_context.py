"""The trace context that a record's headers carry: W3C Trace Context, level 1.

    traceparent   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
                     └ the trace ───────────────────┘ └ the span ────┘ └ bit 0: it is sampled
    tracestate    vendor=value,tenant@system=value

The laws: both end in an HTTP header, so what comes out is of a few visible characters, and of a bounded length; what is
not valid is left out, and never makes a record poison. A `tracestate` without a valid `traceparent` says nothing.
"""

import re
from typing import Final, TypeAlias

from consumer.events.headers import NamedHeaders

MOST_STATE_BYTES: Final = 512
"""Of a `tracestate`: what everybody has to pass on. A longer one is left out, and not cut: its parts are not ours."""
MOST_MEMBERS: Final = 32

Context: TypeAlias = tuple[str | None, str | None]
"""A `traceparent` and a `tracestate`."""

NO_CONTEXT: Final[Context] = (None, None)

_PARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_KEY: Final = rb"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_VALUE: Final = rb"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER: Final = re.compile(b"(" + _KEY + b")=" + _VALUE)


def trace_context(headers: NamedHeaders) -> Context:
    """What `traceparent` and `tracestate` say, else `ce_traceparent` and `ce_tracestate`, as a CloudEvent has them."""
    for prefix in ("", "ce_"):
        parent = headers.only(f"{prefix}traceparent")
        if parent is not None and _PARENT.fullmatch(parent) is not None:
            state = headers.only(f"{prefix}tracestate")
            return parent.decode("ascii"), None if state is None else _state(state)
    return NO_CONTEXT


def _state(value: bytes) -> str | None:
    """A `tracestate` as it goes on: its members in their order, without what may stand around them."""
    if len(value) > MOST_STATE_BYTES:
        return None
    members = [each for part in value.split(b",") if (each := part.strip(b" \t"))]
    found = [_MEMBER.fullmatch(each) for each in members]
    keys = {each[1] for each in found if each is not None}
    if not members or len(members) > MOST_MEMBERS or len(keys) < len(members):  # one is no member, or a key is twice
        return None
    return b",".join(members).decode("ascii")
