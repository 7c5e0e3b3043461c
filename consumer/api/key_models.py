"""An API key as JSON: what may be asked of one, and what is told of it."""

from typing import Annotated, Literal

from pydantic import Field

from consumer.api.model import Asked, Chosen, Time, Told
from consumer.control.keys import Scope


class KeyCreate(Asked):
    """A key to be made."""

    name: str = ""
    scopes: Annotated[
        list[Annotated[Scope, Chosen]] | None,
        Field(description="Default: all but admin, as far as its maker has them; or all that its maker has."),
    ] = None
    expires_at: Annotated[
        str | None, Field(description="RFC 3339; null: when the key that makes it ends, which is also the latest.")
    ] = None


class Key(Told):
    """An API key."""

    id: str
    key: Annotated[str | None, Field(description="The key itself: shown once, when it was made.")] = None
    object: Literal["key"]
    name: str
    tenant: str
    brand: str
    scopes: list[Scope]
    status: Literal["active", "expired", "revoked"]
    created_at: Time
    created_by: Annotated[str | None, Field(description="The key that made it; null: the operator did.")]
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None
