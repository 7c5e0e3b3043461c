"""An event's id as it travels in the `webhook-id` header.

The law: `webhook_id` is injective, so two ids never share one, and its result is a valid header value without a dot
(Standard Webhooks signs `id.timestamp.body`: a dot in the id would make that ambiguous).
"""

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def webhook_id(event_id: str) -> str:
    """The id itself if it is made of A-Z, a-z, 0-9, `_` and `-`; any other character becomes `~XX` per UTF-8 byte."""
    if _UNSAFE.search(event_id) is None:
        return event_id
    return _UNSAFE.sub(_escaped, event_id)
