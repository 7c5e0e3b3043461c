"""Endpoints as Svix' API tells them, read as what is wished of webhooks. Pure.

One JSON object a line: an endpoint as `GET /api/v1/app/{app_id}/endpoint/` lists it, with three members beside it:

    app      the application: its uid or id, or the whole object that the API tells
    secret   what `…/endpoint/{id}/secret/` answers, or its `key`
    headers  what `…/endpoint/{id}/headers/` answers, or its `headers`; left out where there are none

The law: what cannot be the same here is refused with its name, and never left out quietly. Its `uid`, or else its `id`,
is the webhook's uid, so that a second import finds it again.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from consumer.json import Json
from consumer.transfer.faults import LineFaults
from consumer.webhooks.subscription import SigningProfile, Status
from consumer.webhooks.wishes import Wishes

T = TypeVar("T")
D = TypeVar("D")

_OBJECT: Final[msgspec.json.Decoder[dict[str, Json]]] = msgspec.json.Decoder(dict)
_ED25519: Final = "whsk_"
_MEANS_NOTHING: Final = frozenset({"version", "createdAt", "updatedAt"})
_READ: Final = frozenset(
    {
        "app", "id", "uid", "url", "description", "disabled", "filterTypes", "channels", "rateLimit", "throttleRate",
        "metadata", "secret", "headers",
    }
)  # fmt: skip


def wishes_of(line: bytes, number: int, faults: LineFaults, *, tenant: str | None, brand: str) -> Wishes | None:
    """What the endpoint on this line wishes; None: it cannot be, and `faults` tell why.

    `tenant` is whose it is, where the line has no `app`.
    """
    try:
        row = _OBJECT.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        faults.add(number, "", "is no JSON object")
        return None
    told = _Members(row, number, faults)
    for name in sorted(row.keys() - _READ - _MEANS_NOTHING):
        faults.add(number, name, "is not known here: take it out, where nothing is lost with it")
    if told.given("channels", list[str], []):
        faults.add(number, "channels", "there are none here: give events of each channel a type of their own")
    secret = told.inside("secret", "key")
    rate = told.given("rateLimit", int, None) or told.given("throttleRate", int, None)
    wished = Wishes(
        tenant=told.inside("app", "uid", "id") or tenant or told.missing("app"),
        brand=brand,
        url=told.given("url", str, None) or told.missing("url"),
        uid=told.given("uid", str, None) or told.given("id", str, None) or told.missing("id"),
        description=told.given("description", str, ""),
        event_types=tuple(told.given("filterTypes", list[str], [])) or None,
        secret=secret or told.missing("secret"),
        signing=SigningProfile.ED25519 if secret and secret.startswith(_ED25519) else SigningProfile.STANDARD,
        headers=told.headers(),
        rate_per_s=None if rate is None else float(rate),
        status=Status.PAUSED if told.given("disabled", bool, False) else Status.ACTIVE,  # if absent
        metadata=told.given("metadata", dict[str, str], {}),
    )
    return None if told.refused else wished


class _Members:
    """The members of one line. What is wrong with one is told under its name."""

    def __init__(self, row: Mapping[str, Json], line: int, faults: LineFaults) -> None:
        self._row = row
        self._line = line
        self._faults = faults
        self._before = len(faults.found)

    @property
    def refused(self) -> bool:
        return len(self._faults.found) > self._before

    def given(self, name: str, kind: type[T], otherwise: D) -> T | D:
        """The member, or where it is absent or null something else."""
        value = self._row.get(name)
        if value is None:
            return otherwise
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            self._faults.add(self._line, name, str(error))
            return otherwise

    def missing(self, name: str) -> str:
        self._faults.add(self._line, name, "is missing")
        return ""

    def inside(self, name: str, *members: str) -> str | None:
        """A text, or the first of these members of an object."""
        value = self._row.get(name)
        if isinstance(value, dict):
            value = next((found for member in members if (found := value.get(member)) is not None), None)
        if value is None or isinstance(value, str):
            return value or None
        self._faults.add(self._line, name, f"must be a text, or an object with {' or '.join(members)}")
        return None

    def headers(self) -> dict[str, str]:
        value = self._row.get("headers")
        names: Json = None
        if isinstance(value, dict) and isinstance(value.get("headers"), dict):
            names, value = value.get("sensitive"), value["headers"]
        if names:
            self._faults.add(
                self._line,
                "headers",
                f"Svix does not tell the values of sensitive ones: write those of {names} by hand",
            )
        try:
            return msgspec.convert(value or {}, dict[str, str])
        except msgspec.ValidationError as error:
            self._faults.add(self._line, "headers", str(error))
            return {}
