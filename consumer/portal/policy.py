"""The headers of every page.

The law: a page runs no script and shows no style but ours, speaks to nobody but us, and stands in no frame but those
that the link which opened it names.
"""

from collections.abc import Sequence
from typing import Final

_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors {ancestors}; require-trusted-types-for 'script'; trusted-types 'none'"
)
_REFERRER: Final = "same-origin"
"""Nobody else hears where a user came from. Under `no-referrer` browsers send `Origin: null` with a form of our own."""
ARRIVING: Final = "strict-origin"
"""Of the page whose address may hold a link: not even we hear that address, and its form still tells its origin."""
_PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
FOREVER: Final = "public, max-age=31536000, immutable"


def headers(ancestors: Sequence[str]) -> dict[str, str]:
    """Those of a page that these origins may frame; none: nobody may."""
    return {
        "Content-Security-Policy": _CSP.format(ancestors=" ".join(ancestors) or "'none'"),
        "Permissions-Policy": _PERMISSIONS,
        "Referrer-Policy": _REFERRER,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
