"""A small endpoint that checks every request before it believes it. Needs nothing but Python.

    python3 receive.py acme.secret.json

`acme.secret.json` is what `hookline webhooks create … --json` printed: it names the port and holds the secret.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise ValueError unless the request was signed with `secret`, is unchanged, and is at most 5 minutes old."""
    sent_at = headers.get("webhook-timestamp", "")
    if abs(time.time() - int(sent_at)) > 300:
        raise ValueError("too old, or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id')}.{sent_at}.".encode() + body
    wanted = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    given = headers.get("webhook-signature", "").encode().split(b" ")  # several while a secret is being changed
    if not any(hmac.compare_digest(wanted, each) for each in given):
        raise ValueError("no signature fits")


class Endpoint(BaseHTTPRequestHandler):
    """Answers 204 to what verifies and 401 to anything else."""

    secret: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            verify(self.secret, self.headers, body)
        except ValueError as error:
            print(f"refused: {error}", flush=True)
            self.send_response(401)
        else:
            # The same event always has the same webhook-id: remember it, and a repeat does no harm.
            print(f"verified {self.headers['webhook-id']}: {body.decode()}", flush=True)
            self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print no access log: what counts is printed above."""


if __name__ == "__main__":
    webhook = json.loads(Path(sys.argv[1]).read_text())
    Endpoint.secret = webhook["secret"]
    ThreadingHTTPServer(("127.0.0.1", urlsplit(webhook["url"]).port or 80), Endpoint).serve_forever()
