"""What a webhook's plain fields may hold.

The law: a refusal names the field and says what to write instead, and repeats no secret.
"""

import math
import re
from collections.abc import Sequence
from typing import Final

from consumer.brands.brand import SENT_BY_HOOKLINE, Brand

MIN_TIMEOUT_MS: Final = 1_000
MAX_TIMEOUT_MS: Final = 30_000
MAX_EVENT_TYPES: Final = 200
MAX_EVENT_TYPE_LENGTH: Final = 256
MAX_RATE_PER_S: Final = 100_000.0
MAX_CONCURRENCY: Final = 1_024
MAX_NAME_LENGTH: Final = 256
MAX_DESCRIPTION_LENGTH: Final = 2_048

_ALL: Final = "*"
_BELOW: Final = ".*"
# C0 and C1 controls, DEL, and surrogates, which no UTF-8 can carry.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNPRINTABLE_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class FieldInvalid(ValueError):  # noqa: N818 # it names a state, as the glossary does
    """A field of a webhook is refused. `field` is its name in the model, `message` what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def check_event_types(event_types: Sequence[str], brand: Brand) -> tuple[str, ...]:
    """The types without repetitions, in their order.

    Raises:
        FieldInvalid: too many, malformed, or not in the brand's closed catalogue.
    """
    if len(event_types) > MAX_EVENT_TYPES:
        raise FieldInvalid("event_types", f"are {len(event_types)}: name at most {MAX_EVENT_TYPES}, or use prefix.*")
    for event_type in event_types:
        _check_event_type(event_type, brand)
    return tuple(dict.fromkeys(event_types))


def check_timeout_ms(timeout_ms: int) -> int:
    """Between 1,000 and 30,000 milliseconds."""
    if not MIN_TIMEOUT_MS <= timeout_ms <= MAX_TIMEOUT_MS:
        raise FieldInvalid("timeout_ms", f"must be between {MIN_TIMEOUT_MS} and {MAX_TIMEOUT_MS} milliseconds")
    return timeout_ms


def check_rate_per_s(rate_per_s: float | None) -> float | None:
    """Requests a second, or None for no limit."""
    if rate_per_s is None:
        return None
    if not (math.isfinite(rate_per_s) and 0 < rate_per_s <= MAX_RATE_PER_S):
        raise FieldInvalid("rate_per_s", f"must be more than 0 and at most {MAX_RATE_PER_S:.0f} requests a second")
    return float(rate_per_s)


def check_max_concurrency(max_concurrency: int | None) -> int | None:
    """Requests at once, or None for the operator's default."""
    if max_concurrency is not None and not 1 <= max_concurrency <= MAX_CONCURRENCY:
        raise FieldInvalid("max_concurrency", f"must be between 1 and {MAX_CONCURRENCY}")
    return max_concurrency


def check_name(field: str, value: str) -> str:
    """One line of at least one visible character: a tenant, a product."""
    if not value.strip():
        raise FieldInvalid(field, "must not be empty")
    return check_line(field, value)


def check_line(field: str, value: str) -> str:
    """One line of at most 256 characters, or nothing."""
    if len(value) > MAX_NAME_LENGTH:
        raise FieldInvalid(field, f"must be at most {MAX_NAME_LENGTH} characters")
    if _UNPRINTABLE.search(value):
        raise FieldInvalid(field, "must be one line without control characters")
    return value


def check_text(field: str, value: str) -> str:
    """Lines of text."""
    if len(value) > MAX_DESCRIPTION_LENGTH:
        raise FieldInvalid(field, f"must be at most {MAX_DESCRIPTION_LENGTH} characters")
    if _UNPRINTABLE_IN_LINES.search(value):
        raise FieldInvalid(field, "must not hold control characters")
    return value


def _check_event_type(event_type: str, brand: Brand) -> None:
    stem = event_type.removesuffix(_BELOW)
    if event_type == _ALL:
        return
    if not stem or len(event_type) > MAX_EVENT_TYPE_LENGTH:
        raise FieldInvalid("event_types", f"an event type has between 1 and {MAX_EVENT_TYPE_LENGTH} characters")
    if _ALL in stem:
        raise FieldInvalid(
            "event_types", f"{event_type!r}: a star stands alone or ends a prefix, as in {stem.split(_ALL)[0] or 'a'}.*"
        )
    if any(character.isspace() for character in stem) or _UNPRINTABLE.search(stem):
        raise FieldInvalid("event_types", f"{event_type!r}: an event type has no spaces or control characters")
    if brand.closed_catalogue is not None:
        _check_known(event_type, brand.closed_catalogue)


def _check_known(event_type: str, catalogue: frozenset[str]) -> None:
    known = catalogue | SENT_BY_HOOKLINE
    if event_type.endswith(_BELOW):
        prefix = event_type.removesuffix(_ALL)
        if any(each.startswith(prefix) for each in known):
            return
    elif event_type in known:
        return
    raise FieldInvalid(
        "event_types", f"{event_type!r} is not an event type here; choose from {', '.join(sorted(catalogue))}"
    )
