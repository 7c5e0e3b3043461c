"""How an endpoint checks that a request comes from here: the programs of docs/verify.md for its profile.

The law: what is shown is what the tests run; no secret is in it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from starlette.responses import Response

from consumer.brands.brand import Brand
from consumer.portal.answering import page
from consumer.portal.names import Named, named
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.signing.profiles import WEBHOOK_SIGNATURE
from consumer.signing.signature import SIGNED_CONTENT
from consumer.signing.signer import signature_header
from consumer.webhooks.subscription import SigningProfile, Subscription

_FILE: Final = Path(__file__).parent / "programs.toml"
_STANDARD: Final = frozenset({SigningProfile.STANDARD, SigningProfile.ED25519})
_TIMED: Final = _STANDARD | {SigningProfile.STRIPE}


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """One that verifies a request."""

    language: str
    file: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What is checked: `header` holds the signature, which is over `over`. `public`: with a public key.

    `timed`: the time of the request is signed too, so that nobody can send it again later.
    """

    signing: str
    header: str
    over: str
    public: bool
    timed: bool
    programs: tuple[Program, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """The page."""

    named: Named
    webhook_url: str
    checking: Checking


def show(visit: Visit) -> Response:
    """The page."""
    subscription = visit.webhook(visit.params["webhook"])
    view = Verifying(
        named=named(subscription),
        webhook_url=visit.url(f"webhooks/{subscription.id}"),
        checking=checking_of(subscription, visit.brand),
    )
    return page(visit, "verify.html", view, title=words().say("verify.title"), tab="webhooks")


def checking_of(subscription: Subscription, brand: Brand) -> Checking:
    """Of requests to this webhook."""
    profile = subscription.signing
    return Checking(
        signing=f"signing.{profile}",
        header=WEBHOOK_SIGNATURE if profile in _STANDARD else signature_header(profile, brand),
        over=SIGNED_CONTENT[profile],
        public=profile is SigningProfile.ED25519,
        timed=profile in _TIMED,
        programs=tuple(programs()[profile]),
    )


@cache
def programs() -> Mapping[SigningProfile, Sequence[Program]]:
    """By profile, the language that most use first."""
    return msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), dict[SigningProfile, list[Program]])
