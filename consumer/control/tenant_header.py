"""The header Hookline-Tenant: how a tenant's name travels in a request. Pure.

The law: one text, one tenant. Every tenant that can be there can be written and is read as itself; bytes whose
encoding nobody declared are refused and never guessed.

    Hookline-Tenant: acme corp              printable ASCII: the name itself
    Hookline-Tenant: UTF-8''m%C3%BCnchen    an ext-value of RFC 8187 section 3.2.1: any name

Both stand on one header. The asterisk of RFC 8187 marks a parameter, of which this header has none; a field name that
ends in one is legal (RFC 9110 section 5.1), but proxies that know letters, digits and hyphens only drop it in silence.
A name that itself begins like an ext-value is written as one. A language is allowed and means nothing.
"""

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from consumer.webhooks.fields import check_tenant
from consumer.webhooks.wrong import Code, invalid

NAME: Final = "Hookline-Tenant"

_EXTENDED = re.compile(r"utf-8'", re.IGNORECASE)
# RFC 8187 section 3.2.1: pct-encoded and attr-char.
_EXT_VALUE = re.compile(r"utf-8'[a-z0-9-]*'((?:%[0-9a-f]{2}|[a-z0-9!#$&+\-.^_`|~])*)", re.IGNORECASE)
_ATTR_CHAR: Final = "!#$&+-.^_`|~"


def written(tenant: str) -> str:
    """The header's value that is read as this tenant.

    Raises:
        FieldInvalid: there can be no such tenant.
    """
    check_tenant(NAME, tenant)
    if tenant.isascii() and not _EXTENDED.match(tenant):
        return tenant
    return "UTF-8''" + quote(tenant, safe=_ATTR_CHAR)


def read(value: str) -> str:
    """The tenant that a header's value names. `value` has a character for each byte, as HTTP servers give it.

    Raises:
        FieldInvalid: it names none that can be.
    """
    if not value.isascii():
        raise invalid(
            NAME, Code.FORBIDDEN_CHARACTER, "is not ASCII: write it as in UTF-8''m%C3%BCnchen, an ext-value of RFC 8187"
        )
    return check_tenant(NAME, _decoded(value) if _EXTENDED.match(value) else value)


def _decoded(value: str) -> str:
    if (found := _EXT_VALUE.fullmatch(value)) is not None:
        try:
            return unquote_to_bytes(found[1]).decode()
        except UnicodeDecodeError:
            pass  # refused as what has another form is
    raise invalid(NAME, Code.MALFORMED, "is not UTF-8, percent-encoded, as in UTF-8''m%C3%BCnchen")
