"""The webhooks of a peer in Python, and what is sent to them."""

import base64
import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any, Final

AT_ONCE: Final = 64
BATCH: Final = 500


class Webhooks:
    """All of them, by tenant and type."""

    def __init__(self) -> None:
        read: dict[str, dict[str, list[tuple[str, str]]]] = json.loads(Path(os.environ["PEER_WEBHOOKS"]).read_text())
        self._by_tenant = {
            tenant: {
                type_: [(url, base64.b64decode(secret)) for url, secret in webhooks]
                for type_, webhooks in types.items()
            }
            for tenant, types in read.items()
        }

    def requests(self, value: bytes) -> list[tuple[str, dict[str, str], bytes]]:
        """URL, headers and body of each delivery of an event."""
        event: dict[str, Any] = json.loads(value)
        webhooks = self._by_tenant.get(event["tenant"], {}).get(event["type"], ())
        if not webhooks:
            return []
        now_s = int(time.time())
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s))
        body = json.dumps(
            {"type": event["type"], "timestamp": moment, "data": event["data"]}, separators=(",", ":")
        ).encode()
        return [(url, _headers(secret, event["id"], now_s, body), body) for url, secret in webhooks]


def _headers(secret: bytes, id_: str, now_s: int, body: bytes) -> dict[str, str]:
    signed = hmac.new(secret, f"{id_}.{now_s}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
