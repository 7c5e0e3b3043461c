"""What an operator may set about events, cut down to what decoding needs."""

from dataclasses import dataclass
from typing import Protocol, Self

from consumer.settings import Settings


class Usual(Protocol):
    """The native step's reader of envelopes as most producers write them (`native/delivery/src/envelope.rs`)."""

    def __call__(
        self, value: bytes, max_depth: int, /
    ) -> tuple[str | None, str, str, str | None, int | None, bytes] | None:
        """Id, type, tenant, product, time and data, all of them as they are checked here; None: Python reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRules:
    """`registry` says whether a Schema Registry is configured. The `avro_*_field`s may be dotted paths.

    `usual` reads most envelopes; None: Python reads all.
    """

    max_event_bytes: int = 1_048_576
    max_event_depth: int = 64
    registry: bool = True
    tenant_extension: str | None = None
    avro_type_field: str | None = None
    avro_tenant_field: str | None = None
    avro_id_field: str | None = None
    avro_product_field: str | None = None
    avro_time_field: str | None = None
    usual: Usual | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The rules these settings ask for."""
        return cls(
            max_event_bytes=settings.max_event_bytes,
            max_event_depth=settings.max_event_depth,
            registry=settings.schema_registry_url is not None,
            tenant_extension=settings.tenant_extension,
            avro_type_field=settings.avro_type_field,
            avro_tenant_field=settings.avro_tenant_field,
            avro_id_field=settings.avro_id_field,
            avro_product_field=settings.avro_product_field,
            avro_time_field=settings.avro_time_field,
        )
