"""What a command shows to an API: a key, and whom it speaks for. Pure.

The law: a key says its brand by its prefix, and nobody can say otherwise; only the operator's key, which has none,
speaks for the tenant and the brand that the command names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consumer.brands.brand import Brand
from consumer.brands.loader import BrandUnknown
from consumer.cli.exits import usage
from consumer.cli.webhook_port import DEFAULT_BRAND
from consumer.control.keys import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key; the tenant, where the command named one; the brand, which tells the API's habits."""

    key: str = field(repr=False)
    tenant: str | None
    brand: Brand


def key_brand(key: str, wanted: str | None, brands: Mapping[str, Brand]) -> Brand:
    """The brand that a key speaks for, by its prefix; the operator's key, which has none, for the one it wants.

    Raises:
        CommandFailed: 64, the key is of another brand than the one wanted, or of none that is known here.
        BrandUnknown: there is no such brand.
    """
    if wanted is not None and wanted not in brands:
        raise BrandUnknown(wanted, brands)
    key_id = parse(key)
    if key_id is None:
        return brands[wanted or DEFAULT_BRAND]
    prefix = key.partition(key_id)[0]
    of_key = [brand for brand in brands.values() if brand.key_prefix == prefix]
    chosen = [brand for brand in of_key if wanted in {None, brand.name}]
    if not of_key:
        raise usage(
            f"no brand known here has keys that begin with {prefix!r}: is HOOKLINE_BRANDS_DIR missing?", field="--key"
        )
    if len(chosen) != 1:
        raise usage(
            f"this is a key of the brand {' or '.join(brand.name for brand in of_key)}: correct --brand",
            field="--brand",
        )
    return chosen[0]
