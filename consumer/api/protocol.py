"""HTTP/1.1 as the API speaks it: uvicorn's, with answers of our own form to what is no request.

The law: whoever sends something that cannot be read gets a problem document with a request id, and his connection ends.
"""

import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from consumer.api import problem
from consumer.api.exchange import PRIVATE, REQUEST_ID, new_id

_log = structlog.get_logger("api")

HEAD_BYTES: Final = 65_536
_SAID: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "this cannot be read as an HTTP/1.1 request: check its request line, its header lines, and "
    "Content-Length or Transfer-Encoding",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"the request line and the headers may have {HEAD_BYTES} bytes",
    HTTPStatus.NOT_IMPLEMENTED: "this transfer coding is not known here: send Content-Length, or the body chunked",
}


class Protocol(H11Protocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        """Answer what h11 could not read, and close. Called while its error is handled, which knows the status."""
        del msg
        error = sys.exception()
        hint = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        status = HTTPStatus(hint) if hint in _SAID else HTTPStatus.BAD_REQUEST
        # Behind the head of an answer there is no room for another one.
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            request_id = new_id()
            _log.info(
                "request",
                id=request_id,
                method=None,
                route=None,
                status=int(status),
                client=(self.client or (None,))[0],
            )
            self._write(status, request_id)
        self.transport.close()

    def _write(self, status: HTTPStatus, request_id: str) -> None:
        body = problem.told(status, _SAID[status], request_id)
        headers = {
            REQUEST_ID: request_id,
            **PRIVATE,
            "Content-Type": problem.MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        events: tuple[h11.Event, ...] = (
            h11.Response(status_code=status, headers=list(headers.items()), reason=problem.title(status)),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
