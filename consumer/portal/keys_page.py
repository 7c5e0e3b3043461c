"""API keys: listed, made, revoked, by whoever administers them.

The law: a key is shown by the answer that made it and by no other. A session gives no scope that it does not have, and
one that shows a single product has no keys at all: a key would open the other products.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.problem import Refusal
from consumer.control.api_keys import KeysFull, KeyUnknown, MakerEnded, NotHeld
from consumer.control.key_resource import Standing, standing
from consumer.control.keys import ApiKey, Scope, check_scopes
from consumer.control.work import Work
from consumer.portal.answering import Done, page
from consumer.portal.faults import by_field
from consumer.portal.log_page import Option
from consumer.portal.pills import Pill, Tone
from consumer.portal.times import Moment, moment, moment_or_none
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.webhooks.fields import check_line
from consumer.webhooks.wrong import Faults

LISTED: Final = 20
_DAY_MS: Final = 86_400_000
_DAYS: Final = ("", "30", "90", "365")
_STANDINGS: Final = {
    Standing.ACTIVE: Pill(tone=Tone.PLAIN, key="api_keys.active"),
    Standing.EXPIRED: Pill(tone=Tone.OFF, key="api_keys.expired"),
    Standing.REVOKED: Pill(tone=Tone.OFF, key="api_keys.revoked"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key. `revoke_url` of None: it opens nothing any more."""

    id: str
    name: str
    standing: Pill
    scopes: str
    created: Moment
    used: Moment | None
    expires: Moment | None
    revoke_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The page. `wrong` are messages by field."""

    action: str
    rows: tuple[KeyRow, ...]
    name: str
    scopes: tuple[Option, ...]
    lifetimes: tuple[Option, ...]
    wrong: dict[str, str]
    first_url: str | None
    next_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShown:
    """`key` of None: it was shown before."""

    key: str | None
    scopes: str
    list_url: str
    once_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeQuestion:
    """`own`: the page was opened with this key."""

    id: str
    name: str
    action: str
    cancel_url: str
    own: bool


def offered(visit: Visit) -> bool:
    """Whether the session has keys to administer."""
    return visit.may(Scope.ADMIN) and visit.session.grant.product is None


def show(visit: Visit) -> Response:
    """The list, and the form of a new one."""
    _check(visit)
    return _page(visit, wrong={})


def create(visit: Visit, work: Work) -> Done | Response:
    """Make a key, and show it."""
    _check(visit)
    faults, held = Faults(), visit.caller.scopes
    scopes = frozenset(Scope(each) for each in visit.form.all("scope") if each in set(Scope)) & held
    faults.looked(lambda: check_scopes(scopes))
    faults.looked(lambda: check_line("name", visit.form.get("name")))
    if faults.found:
        return _page(visit, wrong=by_field(faults.found))
    days = visit.form.get("days")
    ends = int(days) * _DAY_MS if days in _DAYS and days else None
    try:
        key, text = visit.services.plane.api_keys.create(
            visit.owner,
            visit.brand,
            by=visit.session.grant.key_id,
            scopes=scopes,
            name=visit.form.get("name"),
            expires_at_ms=_end(visit, ends),
            work=work,
        )
    except (NotHeld, KeysFull) as error:
        return _page(visit, wrong={"name": str(error)})
    except MakerEnded:
        raise Refusal(HTTPStatus.UNAUTHORIZED, "") from None
    return Done(then="keys/made", answer=_shown(visit, text, key), made=key.id)


def shown_before(visit: Visit) -> Response:
    """What is left of the page of a key."""
    _check(visit)
    return _shown(visit, None, None)


def ask_revoke(visit: Visit) -> Response:
    """Whether it is meant."""
    key = _one(visit)
    view = RevokeQuestion(
        id=key.id,
        name=key.name,
        action=visit.url(f"keys/{key.id}/revoke"),
        cancel_url=visit.url("keys"),
        own=key.id == visit.session.grant.key_id,
    )
    return page(visit, "revoke.html", view, title=words().say("api_keys.revoke_title"), tab="keys")


def revoke(visit: Visit, _work: Work) -> Done:
    """End it."""
    key = _one(visit)
    visit.services.plane.api_keys.revoke(visit.owner, key.id, with_descendants="descendants" in visit.form)
    return Done(then="keys", notice="revoked")


def _end(visit: Visit, lifetime_ms: int | None) -> int | None:
    """No later than the key that the session is of."""
    if lifetime_ms is None:
        return None
    maker = visit.services.plane.keys.get(visit.session.grant.key_id or "")
    latest_ms = None if maker is None else maker.expires_at_ms
    wanted_ms = visit.now_ms + lifetime_ms
    return wanted_ms if latest_ms is None else min(wanted_ms, latest_ms)


def _check(visit: Visit) -> None:
    if not offered(visit):
        raise Refusal(HTTPStatus.NOT_FOUND, "there are no keys here")


def _one(visit: Visit) -> ApiKey:
    _check(visit)
    key = visit.services.plane.keys.get(visit.params["key"])
    if key is None or (key.tenant, key.brand) != (visit.owner.tenant, visit.owner.brand):
        raise Refusal(HTTPStatus.NOT_FOUND, str(KeyUnknown()))
    return key


def _page(visit: Visit, *, wrong: dict[str, str]) -> Response:
    mine = visit.services.plane.keys.listed(tenant=visit.owner.tenant, brand=visit.owner.brand)
    # What opens something first, and of those the newest: the rest is history.
    mine.sort(key=lambda key: (not key.holds(visit.now_ms), -key.created_at_ms, key.id))
    start = int(at) if (at := visit.query.get("from")).isascii() and at.isdecimal() and len(at) < len("10000") else 0
    listed = mine[start : start + LISTED]
    used_ms = visit.services.uses.read([key.id for key in listed])
    held, days = [each for each in Scope if each in visit.caller.scopes], visit.form.get("days")
    chosen = visit.form.all("scope") if visit.form.pairs else ["read"]
    view = Keys(
        action=visit.url("keys"),
        rows=tuple(_row(visit, key, used_ms.get(key.id)) for key in listed),
        name=visit.form.get("name"),
        scopes=tuple(Option(value=each, label=words().say(f"scope.{each}"), chosen=each in chosen) for each in held),
        lifetimes=tuple(
            Option(value=each, label=words().say(f"api_keys.days.{each or 'none'}"), chosen=each == days)
            for each in _DAYS
        ),
        wrong=wrong,
        first_url=visit.url("keys") if start else None,
        next_url=visit.url("keys", [("from", str(start + LISTED))]) if start + LISTED < len(mine) else None,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return page(visit, "keys.html", view, title=words().say("nav.keys"), tab="keys", status=status)


def _row(visit: Visit, key: ApiKey, used_ms: int | None) -> KeyRow:
    return KeyRow(
        id=key.id,
        name=key.name,
        standing=_STANDINGS[standing(key, visit.now_ms)],
        scopes=_named(key),
        created=moment(key.created_at_ms, visit.now_ms),
        used=moment_or_none(used_ms, visit.now_ms),
        expires=moment_or_none(key.expires_at_ms, visit.now_ms),
        revoke_url=visit.url(f"keys/{key.id}/revoke") if key.holds(visit.now_ms) else None,
    )


def _named(key: ApiKey) -> str:
    return ", ".join(each for each in Scope if each in key.scopes)


def _shown(visit: Visit, text: str | None, key: ApiKey | None) -> Response:
    view = KeyShown(
        key=text,
        scopes="" if key is None else _named(key),
        list_url=visit.url("keys"),
        once_url=visit.url("keys/made"),
    )
    return page(visit, "key.html", view, title=words().say("api_keys.keep"), tab="keys")
