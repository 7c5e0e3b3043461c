"""A collector of traces (OTLP over HTTP) in this process, and beside it the endpoint of a webhook."""

import gzip
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACES = "/v1/traces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One request of an exporter. `headers` have names in lower case."""

    headers: dict[str, str]
    request: ExportTraceServiceRequest

    @property
    def resource(self) -> dict[str, str]:
        [resource] = self.request.resource_spans
        return {each.key: each.value.string_value for each in resource.resource.attributes}

    @property
    def scopes(self) -> set[str]:
        return {scope.scope.name for each in self.request.resource_spans for scope in each.scope_spans}

    @property
    def spans(self) -> list[Span]:
        return [span for each in self.request.resource_spans for scope in each.scope_spans for span in scope.spans]


class Collector:
    """`status` is what an exporter is answered. Of a webhook's requests the first `refused` are answered 503."""

    def __init__(self, *, refused: int = 0) -> None:
        self.status = 200
        self.exported: list[Exported] = []
        self.delivered: list[dict[str, str]] = []
        self._refused = refused
        self.keeps = False
        self.connections = 0
        self._open: socket.socket | None = None
        answer, made = self._answer, self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                self.protocol_version = "HTTP/1.1" if made.keeps else "HTTP/1.0"
                made.connections += 1
                made._open = self.request
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = answer(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # its name
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[Span]:
        return [span for each in self.exported for span in each.spans]

    def cut(self) -> None:
        """End the connection that is open, as a collector does with one that was idle."""
        assert self._open is not None
        self._open.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if path == TRACES:
            plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            self.exported.append(Exported(headers=headers, request=ExportTraceServiceRequest.FromString(plain)))
            return self.status
        self.delivered.append(headers)
        return 503 if len(self.delivered) <= self._refused else 200


def attributes(span: Span) -> dict[str, str | int]:
    """As they were given."""
    return {
        each.key: each.value.int_value if each.value.HasField("int_value") else each.value.string_value
        for each in span.attributes
    }
