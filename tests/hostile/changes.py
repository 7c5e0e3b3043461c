"""What may become of a webhook while deliveries for it wait: the next revision of it, or none.

`drawn` takes dice. A change goes the API's own way, as `webhooks.accepted` does: model, changes, draft, record.
"""

import random
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec
from pydantic import ValidationError

from consumer.api.wishes import changes_of
from consumer.json import Json
from consumer.webhooks import draft, record, rotation
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wrong import Faults, FieldInvalid
from tests.hostile import webhooks

Dice: TypeAlias = random.Random

_LATER_MS: Final = 1_790_000_000_500
_TRIES: Final = 20


def drawn(dice: Dice, was: Subscription, url: str) -> Subscription | None:
    """The webhook in the next view of its tenant; None when it was deleted. A new URL, if any, is this one."""
    turn = dice.choice(tuple(TURNS))
    changed = TURNS[turn](dice, was, url)
    return None if changed is None else record.decode(record.encode(changed))


def _patched(*members: str) -> Callable[[Dice, Subscription, str], Subscription]:
    """By a PATCH of these members and perhaps of others; as it was where twenty of them were refused."""

    def patched(dice: Dice, was: Subscription, url: str) -> Subscription:
        brand = webhooks.BRANDS[was.brand]
        for _ in range(_TRIES):
            body = _body(dice, was.brand, members, url)
            try:
                asked = webhooks.MODELS[was.brand].update.model_validate(msgspec.json.decode(webhooks.json_of(body)))
                faults = Faults()
                changes = changes_of(asked, brand, faults)
                faults.tell()
                return draft.update(
                    was,
                    changes,
                    brand=brand,
                    keyring=webhooks.KEYRING,
                    now_ms=_LATER_MS,
                    entropy=dice.randbytes,
                    allow_http=True,
                )
            except (ValidationError, FieldInvalid, msgspec.DecodeError):
                continue
        return was

    return patched


def _body(dice: Dice, brand: str, members: tuple[str, ...], url: str) -> dict[str, Json]:
    """These members, and each other one seldom."""
    model = webhooks.MODELS[brand].update
    body: dict[str, Json] = {}
    for name, field in model.model_fields.items():
        if name in members or (members and dice.random() < 0.1):
            body[field.alias or name] = url if name == "url" else MEMBERS[name](dice)
    return body


def _rotated(dice: Dice, was: Subscription, _url: str) -> Subscription:
    rotated, _ = rotation.rotate(
        was,
        brand=webhooks.BRANDS[was.brand],
        keyring=webhooks.KEYRING,
        now_ms=_LATER_MS,
        entropy=dice.randbytes,
        overlap_ms=dice.choice((0, rotation.OVERLAP_MS)),
    )
    return rotated


MEMBERS: Final[Mapping[str, Callable[[Dice], Json]]] = {
    **{name: draw for name, draw in webhooks.MEMBERS.items() if name not in {"signing", "secret", "uid"}},
    "filter": lambda dice: dice.choice((None, webhooks.filter_of(dice))),
    "status": lambda dice: dice.choice((None, "active", "paused")),
}
"""Every member of an update but its URL; a test holds it against the models."""

TURNS: Final[Mapping[str, Callable[[Dice, Subscription, str], Subscription | None]]] = {
    "nothing": lambda _dice, was, _url: was,
    "rate": _patched("rate_limit"),
    "concurrency": _patched("max_concurrency"),
    "both limits": _patched("rate_limit", "max_concurrency"),
    "url": _patched("url"),
    "filter": _patched("filter"),
    "anything": _patched("name"),
    "rotated": _rotated,
    "paused": lambda _dice, was, _url: draft.pause(was, now_ms=_LATER_MS),
    "suspended": lambda _dice, was, _url: draft.suspend(was, reason="it failed", now_ms=_LATER_MS),
    "deleted": lambda _dice, _was, _url: None,
}
"""The kinds of change."""
