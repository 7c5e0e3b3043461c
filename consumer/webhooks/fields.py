"""What a webhook's plain fields may hold.

The law: a refusal names the field and says what to write instead, and repeats no secret. What characters a text may
hold is one rule for all of them: `consumer.text`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from consumer import text
from consumer.brands.brand import SENT_BY_HOOKLINE, Brand
from consumer.webhooks.ordering import is_ordering
from consumer.webhooks.wrong import Code, check_each, invalid

MIN_TIMEOUT_MS: Final = 1_000
MAX_TIMEOUT_MS: Final = 30_000
MAX_EVENT_TYPES: Final = 200
MIN_RATE_PER_S: Final = 1 / 3_600
"""One an hour. What waits longer would be spilled from tier to tier until its time is over."""
MAX_RATE_PER_S: Final = 100_000.0
MAX_CONCURRENCY: Final = 1_024
MAX_OVERLAP_MS: Final = 30 * 86_400_000
MAX_LINE_LENGTH: Final = 256
MAX_DESCRIPTION_LENGTH: Final = 2_048

_BELOW: Final = ".*"
_SHOWN: Final = 60


def check_event_types(event_types: Sequence[str], brand: Brand) -> tuple[str, ...]:
    """The types without repetitions, in their order.

    Raises:
        FieldInvalid: there is none, there are too many, or once for each that is malformed or not in the catalogue.
    """
    if not event_types:
        raise invalid("event_types", Code.EMPTY, 'choose none at all: leave it out, or write ["*"], for every event')
    if len(event_types) > MAX_EVENT_TYPES:
        raise invalid(
            "event_types",
            Code.TOO_MANY,
            f"are {len(event_types)}: name at most {MAX_EVENT_TYPES}, or use prefix.*",
        )
    check_each(partial(_check_chosen, "event_types", event_type, brand) for event_type in event_types)
    return tuple(dict.fromkeys(event_types))


def check_event_type(field: str, event_type: str, brand: Brand) -> str:
    """One event type, which an event under this brand can have.

    Raises:
        FieldInvalid: it has another form, or is not in the closed catalogue.
    """
    if text.EVERY in event_type:
        raise invalid(field, Code.MALFORMED, f"{_shown(event_type)} stands for many event types: name one")
    return _check_chosen(field, event_type, brand)


def check_timeout_ms(timeout_ms: int) -> int:
    """Between 1,000 and 30,000 milliseconds."""
    if not MIN_TIMEOUT_MS <= timeout_ms <= MAX_TIMEOUT_MS:
        raise invalid(
            "timeout_ms", Code.OUT_OF_RANGE, f"must be between {MIN_TIMEOUT_MS} and {MAX_TIMEOUT_MS} milliseconds"
        )
    return timeout_ms


def check_rate_per_s(rate_per_s: float | None) -> float | None:
    """Requests a second, or None for no limit."""
    if rate_per_s is None:
        return None
    if not MIN_RATE_PER_S <= rate_per_s <= MAX_RATE_PER_S:  # NaN is neither
        raise invalid(
            "rate_per_s",
            Code.OUT_OF_RANGE,
            f"must be between 1/3600 (0.000278, which is one an hour) and {MAX_RATE_PER_S:.0f} requests a second",
        )
    return float(rate_per_s)


def check_max_concurrency(max_concurrency: int | None) -> int | None:
    """Requests at once, or None for the operator's default."""
    if max_concurrency is not None and not 1 <= max_concurrency <= MAX_CONCURRENCY:
        raise invalid("max_concurrency", Code.OUT_OF_RANGE, f"must be between 1 and {MAX_CONCURRENCY}")
    return max_concurrency


def check_ordering(chosen: str) -> str:
    """`none`, `key`, or a path to a field of the event's data."""
    if not is_ordering(chosen):
        raise invalid(
            "ordering",
            Code.MALFORMED,
            "must be none, key, or a path of up to 8 names as in data.order_id",
        )
    if not text.is_line(chosen):
        raise invalid("ordering", Code.FORBIDDEN_CHARACTER, "must be one line without control characters")
    return chosen


def check_overlap_ms(overlap_ms: int) -> int:
    """How long two secrets sign, in milliseconds: up to 30 days."""
    if not 0 <= overlap_ms <= MAX_OVERLAP_MS:
        raise invalid("overlap_seconds", Code.OUT_OF_RANGE, f"must be between 0 and {MAX_OVERLAP_MS // 1_000} seconds")
    return overlap_ms


def check_name(field: str, value: str) -> str:
    """What an event could name too: a tenant, a product. Not blank."""
    if not value.strip():
        raise invalid(field, Code.EMPTY, "must not be empty")
    if len(value) > text.MAX_NAME_LENGTH:
        raise invalid(field, Code.TOO_LONG, f"must be at most {text.MAX_NAME_LENGTH} characters")
    if not text.is_name(value):
        raise invalid(field, Code.FORBIDDEN_CHARACTER, "must be printable characters, of white space only the space")
    return value


def check_tenant(field: str, value: str) -> str:
    """A name that no space begins or ends, so that it is read alike in a header, a flag and a log.

    An event may name a tenant with such spaces: it is an event for which there is no webhook.
    """
    if check_name(field, value) != value.strip():
        raise invalid(field, Code.FORBIDDEN_CHARACTER, "must not begin or end with a space")
    return value


def check_line(field: str, value: str) -> str:
    """One line of at most 256 characters, or nothing."""
    if len(value) > MAX_LINE_LENGTH:
        raise invalid(field, Code.TOO_LONG, f"must be at most {MAX_LINE_LENGTH} characters")
    if not text.is_line(value):
        raise invalid(
            field, Code.FORBIDDEN_CHARACTER, "must be one line without control characters or marks of direction"
        )
    return value


def check_text(field: str, value: str) -> str:
    """Lines of text."""
    if len(value) > MAX_DESCRIPTION_LENGTH:
        raise invalid(field, Code.TOO_LONG, f"must be at most {MAX_DESCRIPTION_LENGTH} characters")
    if not text.is_lines(value):
        raise invalid(field, Code.FORBIDDEN_CHARACTER, "must not contain control or direction characters")
    return value


def check_choice(field: str, choice: str) -> str:
    """An event type, or what stands for several: `*` alone, or `prefix.*`. Raises FieldInvalid."""
    if choice == text.EVERY:
        return choice
    stem = choice.removesuffix(_BELOW)
    if not stem:
        raise invalid(field, Code.EMPTY, 'is empty: name an event type, or "*" for all')
    if text.EVERY in stem:
        raise invalid(field, Code.MALFORMED, f"{_shown(choice)}: a star stands alone or ends a prefix{_instead(stem)}")
    if len(stem) > text.MAX_NAME_LENGTH:
        raise invalid(field, Code.TOO_LONG, f"must be at most {text.MAX_NAME_LENGTH} characters")
    if not text.is_event_type(stem):
        raise invalid(field, Code.FORBIDDEN_CHARACTER, f"{_shown(choice)}: an event type is printable characters only")
    return choice


def _check_chosen(field: str, choice: str, brand: Brand) -> str:
    """One that this brand can have. Raises FieldInvalid."""
    check_choice(field, choice)
    if brand.closed_catalogue is not None and choice != text.EVERY:
        _check_known(field, choice, brand.closed_catalogue)
    return choice


def _instead(stem: str) -> str:
    """What could have been meant: the words before the star."""
    before = stem.partition(text.EVERY)[0].rstrip(". ")
    return f", as in {_shown(before + _BELOW)}" if text.is_event_type(before) else ', as in "order.*"'


def _check_known(field: str, choice: str, catalogue: frozenset[str]) -> None:
    known = catalogue | SENT_BY_HOOKLINE
    if choice.endswith(_BELOW):
        prefix = choice.removesuffix(text.EVERY)
        if any(each.startswith(prefix) for each in known):
            return
    elif choice in known:
        return
    raise invalid(
        field,
        Code.UNKNOWN_EVENT_TYPE,
        f"{_shown(choice)} is not an event type here; choose from {', '.join(sorted(catalogue))}",
    )


def _shown(choice: str) -> str:
    """As it was written, all of it to be seen, and not too much of it."""
    return ascii(choice[:_SHOWN]) if not text.is_name(choice[:_SHOWN]) else f'"{choice[:_SHOWN]}"'
