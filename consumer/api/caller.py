"""Who calls: a customer by a key, or the operator for one of them.

The law: every key that does not open anything, whyever, gets one and the same 401; and nothing is known of a caller
but what its key says, unless it is the operator, who says it by headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers

from consumer.api.problem import Refusal
from consumer.brands.brand import Brand
from consumer.control import tenant_header
from consumer.control.idempotency import Asker
from consumer.control.key_directory import KeyDirectory
from consumer.control.keys import Scope, digest_of, operator, parse
from consumer.control.owner import Owner
from consumer.settings import Settings
from consumer.webhooks.wrong import FieldInvalid

TENANT_HEADER: Final = tenant_header.NAME
BRAND_HEADER: Final = "Hookline-Brand"
DEFAULT_BRAND: Final = "hookline"
OPERATOR: Final = "operator"
_BEARER: Final = "bearer"
_NAMED_BY: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose webhooks are meant, and what may be done to them. `key_id` of None is the operator.

    `credential` names the key; of the operator's, which has no name, it is a part of the digest.
    """

    owner: Owner
    key_id: str | None
    scopes: frozenset[Scope]
    credential: str = field(repr=False)

    @property
    def name(self) -> str:
        """Who is said to have asked for a job."""
        return OPERATOR if self.key_id is None else self.key_id

    @property
    def asker(self) -> Asker:
        """Whose Idempotency-Keys it sends. A key of which another scope is said would be another asker."""
        return Asker(owner=self.owner, credential=" ".join([self.credential, *sorted(self.scopes)]))

    def need(self, scope: Scope) -> None:
        """Raises Refusal: 403."""
        if scope not in self.scopes:
            raise Refusal(
                HTTPStatus.FORBIDDEN, f"this key may not do that: it needs the scope {scope}, which it was not given"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A text presented as a key that is worth a look-up: it has a key's form, or is the operator's."""

    text: str
    operator: bool


def unauthorized() -> Refusal:
    """The one answer to every bad key."""
    return Refusal(
        HTTPStatus.UNAUTHORIZED,
        "send a valid key, as in `Authorization: Bearer …`",
        headers={"WWW-Authenticate": "Bearer"},
    )


def presented(settings: Settings, headers: Headers) -> Presented:
    """What was presented, checked without any look-up.

    Raises:
        Refusal: 401.
    """
    sent = headers.getlist("authorization")
    scheme, _, text = (sent[0] if len(sent) == 1 else "").partition(" ")
    text = text.strip()
    if scheme.lower() != _BEARER or not text:
        raise unauthorized()
    is_operator = operator(settings, text)
    if not is_operator and parse(text) is None:
        raise unauthorized()
    return Presented(text=text, operator=is_operator)


def customer(keys: KeyDirectory, text: str, now_ms: int) -> Caller:
    """The caller by a key.

    Raises:
        Refusal: 401.
    """
    key = keys.find(text, now_ms)
    if key is None:
        raise unauthorized()
    owner = Owner(tenant=key.tenant, brand=key.brand)
    return Caller(owner=owner, key_id=key.id, scopes=key.scopes, credential=f"key {key.id}")


def check_named(caller: Caller, headers: Headers) -> None:
    """Whoever names a tenant or a brand in a header means it: a key of another one does nothing under a wrong name.

    Raises:
        Refusal: 400, a header names nothing that can be; 403.
    """
    tenant, brand = _tenant(headers), _said(headers, BRAND_HEADER)
    mine = caller.owner
    named = Owner(tenant=mine.tenant if tenant is None else tenant, brand=mine.brand if brand is None else brand)
    if named != mine:
        raise Refusal(HTTPStatus.FORBIDDEN, "this key is of another tenant or brand than the request's headers name")


def acting_operator(headers: Headers, brands: Mapping[str, Brand], text: str) -> Caller:
    """The operator by its key, acting for the tenant and the brand that it names.

    Raises:
        Refusal: 400, it names no tenant or a brand that does not exist.
    """
    brand = _said(headers, BRAND_HEADER) or DEFAULT_BRAND
    if brand not in brands:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"Hookline-Brand: choose from {', '.join(sorted(brands))}")
    tenant = _tenant(headers)
    if tenant is None:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{TENANT_HEADER}: say for which tenant: it must not be empty")
    credential = f"operator {digest_of(text).hex()[:_NAMED_BY]}"
    return Caller(owner=Owner(tenant=tenant, brand=brand), key_id=None, scopes=frozenset(Scope), credential=credential)


def _tenant(headers: Headers) -> str | None:
    said = _said(headers, TENANT_HEADER)
    try:
        return None if said is None else tenant_header.read(said)
    except FieldInvalid as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, str(error), errors=error.wrong) from None


def _said(headers: Headers, name: str) -> str | None:
    """The one value of a header. What a proxy and we could read differently is refused."""
    found = headers.getlist(name)
    if len(found) > 1:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{name}: send it once")
    return found[0] if found else None
