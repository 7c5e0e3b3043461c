"""What stands where a value is not shown.

The law: a placeholder is never taken for a value. Where it comes back to us it means the value that it stands for, and
where there is none it is refused.
"""

from typing import Final

from consumer.telemetry.redaction import HIDDEN as MASKED

HIDDEN: Final = "[hidden]"
"""A customer's header value, in the webhook as it is read."""

REDACTED: Final = "[redacted]"
"""The same in the records of attempts."""

_ALL: Final = (HIDDEN, REDACTED, MASKED)


def holds_placeholder(text: str) -> bool:
    """Whether it is one, or a value that somebody masked a part of."""
    return any(each in text for each in _ALL)
