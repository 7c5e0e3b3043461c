"""Webhooks as customers may ask for them: every member of the API's own models, its numbers at and beyond their bounds.

`drawn` takes dice. A body may be refused; what is accepted went the API's own way: model, wishes, draft, record.
"""

import base64
import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

import msgspec
from pydantic import ValidationError

from consumer.api.brand_models import BrandModels
from consumer.api.wishes import wishes_of
from consumer.brands.brand import PayloadFormat, Retries, SigningProfile
from consumer.brands.loader import load_brands
from consumer.control.owner import Owner
from consumer.json import Json
from consumer.webhooks import record
from consumer.webhooks.draft import create
from consumer.webhooks.fields import MAX_CONCURRENCY, MAX_OVERLAP_MS, MAX_RATE_PER_S, MIN_RATE_PER_S
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.rotation import rotate
from consumer.webhooks.subscription import OnFailure, Subscription
from consumer.webhooks.wrong import Faults, FieldInvalid
from tests.certificates import Authority

Dice: TypeAlias = random.Random

BRANDS: Final = load_brands()
MODELS: Final = {name: BrandModels.of(brand) for name, brand in BRANDS.items()}
KEYRING: Final = Keyring({"k1": bytes(32)})

RATES: Final[tuple[float, ...]] = (
    1e-306, 5e-324, -1.0, 0.0, MIN_RATE_PER_S, MIN_RATE_PER_S * 0.999, 0.001, 1 / 3, 1.0, 50.0, 1_000.0, 7_777.7,
    MAX_RATE_PER_S, MAX_RATE_PER_S + 1, 1e308, float("inf"), float("nan"),
)  # fmt: skip
INTEGERS: Final = (
    -(2**63),
    -1,
    0,
    1,
    2,
    999,
    1_000,
    MAX_CONCURRENCY,
    MAX_CONCURRENCY + 1,
    30_000,
    30_001,
    2**31,
    10**30,
)
NUMBERS: Final[tuple[Json, ...]] = (0, -0.0, 1, -1.5, 0.1, 1e308, -1e308, 5e-324, 2**53 + 1, 2**63, 2**64, 10**15)
_TEXTS: Final = (
    "",
    "a",
    "x" * 256,
    "é",
    "😀" * 64,
    "a b",
    "\u2028",
    "\u202e",
    "\x00",
    "\ud800",
    "*",
    "[hidden]",
    "<&>",
)
_WORDS: Final = ("", "a", "A", "abc", "ß", "İ", "*", r"\*", "a*b*c", "*" * 16, "😀", "\u0000")
_PATHS: Final = ("", "hook", "ü", "%00", "%zz", "a;b=c", "?q=1&q=%20", "?", "x" * 1_800, "..//.", "%2e%2e/")
_HEADERS: Final[Mapping[str, str]] = {
    "Authorization": "Bearer x", "X-Empty": "", "X-Long": "v" * 4_000, "!#$%&'*+-.^_`|~": "a\tb", "X-Colon": ":",
    "Accept": "*/*",
}  # fmt: skip


def body(dice: Dice, brand: str, url: str) -> dict[str, Json]:
    """What a POST may hold. Mostly what is accepted, so that it comes further than the API."""
    shown: dict[str, Json] = {"url": url}
    for name, field in MODELS[brand].create.model_fields.items():
        if name != "url" and dice.random() < 0.4:
            shown[field.alias or name] = MEMBERS[name](dice)
    return shown


def accepted(dice: Dice, body: Mapping[str, Json], owner: Owner) -> Subscription | None:
    """The webhook as its record has it, its secret perhaps rotated; None where it is refused."""
    entropy = dice.randbytes
    brand = BRANDS[owner.brand]
    try:
        asked = MODELS[owner.brand].create.model_validate(msgspec.json.decode(json_of(body)))
        faults = Faults()
        wishes = wishes_of(asked, owner, faults, uid=asked.uid)
        faults.tell()
        made, _ = create(
            wishes,
            brand=brand,
            keyring=KEYRING,
            now_ms=1_790_000_000_000,
            new_id=lambda: "wh_1",
            entropy=entropy,
            allow_http=True,
        )
        if dice.random() < 0.2:
            overlap_ms = dice.choice((0, 1, MAX_OVERLAP_MS))
            made, _ = rotate(
                made, brand=brand, keyring=KEYRING, now_ms=1_790_000_000_000, entropy=entropy, overlap_ms=overlap_ms
            )
    except (ValidationError, FieldInvalid, msgspec.DecodeError):
        return None
    return record.decode(record.encode(made))


def json_of(body: Mapping[str, Json]) -> bytes:
    """As a client would write it that knows no bounds: with numbers that most languages cannot hold."""
    try:
        return msgspec.json.encode(body)
    except (ValueError, OverflowError):
        return b"{}"  # a lone surrogate, which no JSON can hold


def filter_of(dice: Dice, depth: int = 0) -> Json:
    """An event pattern, of every operator there is."""
    names = ("a", "data", "", "a.b", "$or", "é", "n", "type")
    pattern: dict[str, Json] = {}
    for _ in range(dice.randrange(1, 3)):
        name = dice.choice(names)
        if name == "$or":
            pattern[name] = [filter_of(dice, depth + 1) for _ in range(2)] if depth < 3 else [{"a": [1]}]
        elif depth < 3 and dice.random() < 0.3:
            pattern[name] = filter_of(dice, depth + 1)
        else:
            pattern[name] = [_rule(dice) for _ in range(dice.randrange(1, 4))]
    return pattern


def _rule(dice: Dice) -> Json:
    return RULES[dice.choice(tuple(RULES))](dice)


def _words(dice: Dice) -> Json:
    return dice.choice(_WORDS)


def _affix(dice: Dice) -> Json:
    return _words(dice) if dice.random() < 0.7 else {"equals-ignore-case": _words(dice)}


def _scalar(dice: Dice) -> Json:
    return dice.choice((_words(dice), dice.choice(NUMBERS), None, True, False))


def _numeric(dice: Dice) -> Json:
    if dice.random() < 0.5:
        return [dice.choice(("<", "<=", "=", ">=", ">")), dice.choice(NUMBERS)]
    return [">", dice.choice(NUMBERS), "<=", dice.choice(NUMBERS)]


def _but(dice: Dice) -> Json:
    forms: tuple[Json, ...] = (
        _scalar(dice),
        [_scalar(dice), _scalar(dice)],
        {"prefix": _words(dice)},
        {"wildcard": [_words(dice)]},
    )
    return dice.choice(forms)


RULES: Final[Mapping[str, Callable[[Dice], Json]]] = {
    "exact": _scalar,
    "prefix": lambda dice: {"prefix": _affix(dice)},
    "suffix": lambda dice: {"suffix": _affix(dice)},
    "equals-ignore-case": lambda dice: {"equals-ignore-case": _words(dice)},
    "wildcard": lambda dice: {"wildcard": _words(dice)},
    "anything-but": lambda dice: {"anything-but": _but(dice)},
    "numeric": lambda dice: {"numeric": _numeric(dice)},
    "exists": lambda dice: {"exists": dice.random() < 0.5},
}
"""The operators of a filter, each with operands of every kind that it takes."""


def _integer(dice: Dice) -> Json:
    return dice.choice(INTEGERS)


def _text(dice: Dice) -> Json:
    return dice.choice(_TEXTS)


def _metadata(dice: Dice) -> Json:
    drawn: tuple[Json, ...] = (None, {"team": "a"}, {"é" * 64: "é" * 900}, {"": "x"}, {"a": _text(dice)})
    return dice.choice(drawn)


_EVENT_TYPES: Final[tuple[list[Json], ...]] = (
    ["*"], ["*"], ["webhook.test"], ["webhook.*"], ["order.created", "*"], ["a.*"], [], [" "], ["a\u200bb"],
    ["x" * 200], [f"t{number}" for number in range(200)],
)  # fmt: skip


def _event_types(dice: Dice) -> Json:
    return dice.choice(_EVENT_TYPES)


def _secret(dice: Dice) -> Json:
    drawn = dice.randbytes(dice.choice((32, 24, 64, 8)))
    prefix = dice.choice(("whsec_", "whsk_", ""))
    return prefix + base64.b64encode(drawn).decode()


def _config(dice: Dice) -> Json:
    headers: dict[str, Json] = {name: value for name, value in _HEADERS.items() if dice.random() < 0.4}
    return {"timeoutMs": dice.choice((None, 1_000, 30_000, _integer(dice))), "headers": headers}


def _tls(dice: Dice) -> Json:
    """Some of it is well. The deliveries here are not encrypted: what is drawn has to be taken, kept and passed by."""
    pem = (None, "", _text(dice), "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", *_certified())
    return {name: dice.choice(pem) for name in ("certificate", "key", "authorities") if dice.random() < 0.7}


@cache
def _certified() -> tuple[str, str, str]:
    """An authority, and a certificate of it with its key."""
    with TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        certificate, key = authority.client("hookline")
        return authority.ca_file.read_text(), certificate.read_text(), key.read_text()


MEMBERS: Final[Mapping[str, Callable[[Dice], Json]]] = {
    "name": _text,
    "description": _text,
    "product": lambda dice: dice.choice((None, "p", _text(dice))),
    "request_config": _config,
    "filter": filter_of,
    "rate_limit": lambda dice: dice.choice((None, *RATES)),
    "max_concurrency": lambda dice: dice.choice((None, 1, MAX_CONCURRENCY, _integer(dice))),
    "ordering": lambda dice: dice.choice((None, "none", "key", "data.a", "data.tenant.b", "data.", "keys")),
    "retries": lambda dice: dice.choice((None, *Retries)),
    "payload_format": lambda dice: dice.choice((None, *PayloadFormat)),
    "signing": lambda dice: dice.choice((None, *SigningProfile)),
    "secret": _secret,
    "event_types": _event_types,
    "on_failure": lambda dice: dice.choice((None, *OnFailure)),
    "status": lambda dice: dice.choice((None, "active")),  # one that begins paused meets nothing
    "uid": lambda dice: dice.choice((None, None, "billing", "a:b.c_d-e", "0" * 128, "-", "0" * 129, "é")),
    "metadata": _metadata,
    "tls": lambda dice: dice.choice((None, None, _tls(dice))),
}
"""Every member of a creation but its URL; a test holds it against the models."""


def url_of(dice: Dice, number: int, port: int) -> str:
    """On loopback, as the engines here resolve names. The host is another for each number, the path tells it."""
    host = dice.choice(("n{}.example", "N{}.EXAMPLE", "n{}.münchen.example", "n{}_x.example", "n{}.example."))
    return f"http://{host.format(number)}:{port}/{number}/{dice.choice(_PATHS)}"
