"""The models that differ from brand to brand.

What the list of event types is called, whether a customer may bring a secret, whether answers stand under `data`.

The law: the routes are the same for all; they see one Python name, `event_types`, and the OpenAPI of each brand shows
its own.
"""

from dataclasses import dataclass
from typing import Final, Self

from pydantic import BaseModel, Field, create_model

from consumer.api import webhook_inputs, webhook_models
from consumer.api.model import ObjectPage, Page
from consumer.brands.brand import Brand

_MOST_LISTED: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandModels:
    """One brand's. Answers are to be wrapped by `one` and `page`, as the brand does it."""

    create: type[webhook_inputs.WebhookCreate]
    put: type[webhook_inputs.WebhookPut]
    query: type[webhook_inputs.WebhookQuery]
    update: type[webhook_inputs.WebhookUpdate]
    rotate: type[webhook_inputs.SecretRotation]
    webhook: type[webhook_models.Webhook]
    under_data: bool

    @classmethod
    def of(cls, brand: Brand) -> Self:
        """The models of this brand."""
        name = brand.api.list_field
        examples = [[each.type for each in brand.catalogue[:_MOST_LISTED]]]
        chosen = Field(
            None,
            alias=name,
            description="The event types to receive: exact, prefix.* or *, which is all. Left out or null means all.",
            examples=examples,
        )
        own = (webhook_inputs.OwnSecret,) if brand.api.own_secret else ()
        shown = {
            "readable": "What signs. Always shown.",
            "once": "What signs. Shown once: by the creation, and by a rotation.",
        }
        return cls(
            create=create_model(
                "WebhookCreate", __base__=(webhook_inputs.WebhookCreate, *own), event_types=(list[str] | None, chosen)
            ),
            put=create_model(
                "WebhookPut", __base__=(webhook_inputs.WebhookPut, *own), event_types=(list[str] | None, chosen)
            ),
            query=create_model(
                "WebhookQuery",
                __base__=webhook_inputs.WebhookQuery,
                event_type=(
                    str | None,
                    Field(
                        None,
                        alias=name.removesuffix("s"),
                        description="That are sent events of this type, or, as prefix.*, of all below it.",
                    ),
                ),
            ),
            update=create_model(
                "WebhookUpdate", __base__=webhook_inputs.WebhookUpdate, event_types=(list[str] | None, chosen)
            ),
            rotate=create_model("SecretRotation", __base__=(webhook_inputs.SecretRotation, *own)),
            webhook=create_model(
                "Webhook",
                __base__=webhook_models.Webhook,
                event_types=(list[str], Field(alias=name, examples=examples)),
                secret=(str | None, Field(None, description=shown[brand.api.secret])),
            ),
            under_data=brand.api.envelope == "data",
        )

    def one(self, model: type[BaseModel]) -> type[BaseModel]:
        """An answer that is one of these."""
        return create_model(f"{model.__name__}Answer", data=(model, ...)) if self.under_data else model

    def page(self, model: type[BaseModel], part: type[Page] = Page) -> type[BaseModel]:
        """An answer that is a list of these; `part` is what is told of it."""
        return create_model(
            f"{model.__name__}List",
            __base__=part if self.under_data else (ObjectPage, part),
            data=(list[model], ...),  # type: ignore[valid-type] # a model that is made while running
        )
