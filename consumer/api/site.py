"""Where a brand's routes are put, and how its webhooks look there."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import Depends, FastAPI, Header, Path, Query
from pydantic import BaseModel

from consumer.api import answers
from consumer.api.answers import APPLIED
from consumer.api.brand_models import BrandModels
from consumer.api.call import Call, call_of
from consumer.api.meanings import Meaning
from consumer.api.services import Services
from consumer.brands.brand import Brand
from consumer.control.cursor import MAX_LENGTH
from consumer.control.idempotency import Answer
from consumer.control.resource import as_its_brand_shows_it, resource
from consumer.log.health import NO_HEALTH, Health
from consumer.standings.store import Backlog
from consumer.webhooks.subscription import Subscription

_Condition: TypeAlias = tuple[Health | None, Backlog | None]
Asking = Annotated[Call, Depends(call_of)]
Limit = Annotated[int, Query(ge=1, le=100, description="How many on a page.")]
Cursor = Annotated[str | None, Query(max_length=MAX_LENGTH, description="nextCursor of the page before.")]
Id = Annotated[str, Path(description="The webhook's id.", max_length=256)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag that was read; 412 when it changed since.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One brand's app, while it is built. `meanings` are by operation id."""

    app: FastAPI
    brand: Brand
    shapes: BrandModels
    services: Services
    meanings: dict[str, Meaning] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Where its webhooks are."""
        return self.brand.api.base_path

    @property
    def prefix(self) -> str:
        """Where what is beside them is."""
        return self.base.rpartition("/")[0]

    @property
    def webhook(self) -> type[BaseModel]:
        """The model of an answer that is one webhook."""
        return self.shapes.one(self.shapes.webhook)

    def shown(self, subscription: Subscription, **headers: str) -> Answer:
        """A webhook as it is read at any time."""
        health, backlog = self._condition(subscription)
        keyring = self.services.plane.keyring
        told = as_its_brand_shows_it(subscription, self.brand, keyring, health=health, backlog=backlog)
        return answers.one(self.brand, told, headers=answers.etag(subscription) | headers)

    def created(self, subscription: Subscription, secret: str) -> Answer:
        """A new webhook, of which there is nothing to ask for."""
        return self._with_secret(subscription, secret, (NO_HEALTH, Backlog()), HTTPStatus.CREATED)

    def rotated(self, subscription: Subscription, secret: str) -> Answer:
        """A webhook whose secret is new."""
        return self._with_secret(subscription, secret, self._condition(subscription), HTTPStatus.OK)

    def unapplied(self, id: str) -> dict[str, str]:  # noqa: A002 # what everybody calls it
        """The header of a write that was made and that deliveries do not follow yet."""
        return {} if self.services.plane.webhooks.applied(id) else {APPLIED: "false"}

    def _with_secret(
        self, subscription: Subscription, secret: str, condition: _Condition, status: HTTPStatus
    ) -> Answer:
        health, backlog = condition
        list_field = self.brand.api.list_field
        told = resource(subscription, secret=secret, health=health, backlog=backlog, list_field=list_field)
        return answers.one(
            self.brand, told, status=status, headers=answers.etag(subscription) | self.unapplied(subscription.id)
        )

    def _condition(self, subscription: Subscription) -> _Condition:
        healths = self.services.healths.read([subscription.id])
        backlogs = self.services.backlogs.read([subscription.id])
        return healths.get(subscription.id), backlogs.get(subscription.id)
