"""`python -m bench.engines`: what a request costs each HTTP engine, without Kafka, signing or a log.

The engines take turns in one process, on one core; nginx answers on the other. Told is the thread's CPU a request: the
median of the rounds, of each the calmest tenth of its batches. Minutes differ twofold here: compare within the table.
"""

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import cores
from bench.installation import BenchError
from consumer.delivery.answer import Response
from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport
from consumer.signing.request import Request
from tests.certificates import ADDRESS, Authority
from tests.services.server import LocalProcess, free_port, listening

_ROUNDS: Final = 5
_IN_FLIGHT: Final = 64
_KEPT: Final = 6_400  # requests a round on kept connections
_COLD: Final = 640  # with a connection for each
_BODY: Final = b"x" * 1_024
_HEADERS: Final = (
    ("content-type", "application/json"),
    ("user-agent", "Hookline/1.0"),
    ("webhook-id", "evt_0123456789abcdef0123"),
    ("webhook-timestamp", "1790000000"),
    ("webhook-signature", "v1," + "A" * 44),
)
_CONFIG: Final = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    server {{
        listen 127.0.0.1:{plain} backlog=4096;
        listen 127.0.0.1:{resuming} ssl backlog=4096;
        ssl_session_cache shared:sessions:10m;
        location / {{ return 200 "ok"; }}
        location /once {{ keepalive_timeout 0; return 200 "ok"; }}
    }}
    server {{
        listen 127.0.0.1:{forgetting} ssl backlog=4096;
        ssl_session_tickets off;
        location / {{ keepalive_timeout 0; return 200 "ok"; }}
    }}
}}
"""


@contextmanager
def _endpoints(folder: Path, authority: Authority) -> Iterator[dict[str, tuple[str, int]]]:
    """nginx: by workload, where to post and how often a round."""
    authority.server(ADDRESS)
    certificate = next(path for path in folder.glob("*.pem") if path != authority.ca_file)
    plain, resuming, forgetting = free_port(), free_port(), free_port()
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(folder=folder, certificate=certificate, plain=plain, resuming=resuming, forgetting=forgetting)
    )
    command = ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    nginx = LocalProcess(command, log=folder / "output.log")
    with cores.starting_on(cores.SURROUNDINGS):
        nginx.start()
    try:
        while not listening(forgetting):
            if not nginx.alive():
                raise BenchError(f"nginx did not start: {nginx.log_tail()}")
            time.sleep(0.05)
        yield {
            "HTTP, kept connections": (f"http://127.0.0.1:{plain}/", _KEPT),
            "TLS, kept connections": (f"https://127.0.0.1:{resuming}/", _KEPT),
            "TLS, a connection each, resumed": (f"https://127.0.0.1:{resuming}/once", _COLD),
            "TLS, a connection each, never resumed": (f"https://127.0.0.1:{forgetting}/", _COLD),
        }
    finally:
        nginx.stop()


def _cost_us(transport: Transport, url: str, requests: int) -> float:
    """The thread's CPU a request, in the calmest tenth of the batches."""
    submitted, costs = 0, []
    for _ in range(_IN_FLIGHT):
        transport.submit(submitted, _request(url))
        submitted += 1
    while submitted < requests:
        began_s, batch = time.thread_time(), 0
        while batch < _IN_FLIGHT:
            for _, answer in transport.poll(1.0):
                assert isinstance(answer, Response), answer
                transport.submit(submitted, _request(url))
                submitted += 1
                batch += 1
        costs.append((time.thread_time() - began_s) / batch * 1_000_000)
    while transport.in_flight:
        transport.poll(1.0)
    return sorted(costs)[len(costs) // 10]


def _share(costs: list[float], of: list[float]) -> str:
    return f"{median(one / other for one, other in zip(costs, of, strict=True)):.2f}"


def _request(url: str) -> Request:
    return Request(url=url, headers=_HEADERS, body=_BODY, timeout_ms=10_000, addresses=("127.0.0.1",))


def main() -> int:
    """Measure and show."""
    guard = AddressGuard([ip_network("127.0.0.1/32")])
    with tempfile.TemporaryDirectory(prefix="hookline-bench-") as folder:
        authority = Authority(Path(folder))
        engines: dict[str, Callable[[], Transport]] = {
            "curl": lambda: CurlTransport(guard, ca_file=authority.ca_file),
            "sockets": lambda: SocketsTransport(guard, ca_file=authority.ca_file),
        }
        if find_spec("hookline_native"):
            from consumer.http.native import NativeTransport  # noqa: PLC0415 - it may not be installed

            engines["native"] = lambda: NativeTransport(guard, ca_file=authority.ca_file)
        costs: dict[tuple[str, str], list[float]] = {}
        with _endpoints(Path(folder), authority) as workloads, cores.starting_on(cores.UNDER_TEST):
            for _ in range(_ROUNDS):
                for workload, (url, requests) in workloads.items():
                    for engine, opened in engines.items():
                        gc.collect()
                        with closing(opened()) as transport:
                            costs.setdefault((workload, engine), []).append(_cost_us(transport, url, requests))
    first, *others = engines
    shares = [f"{engine} ÷ {first}" for engine in others]
    table = Table("µs of CPU a request", *engines, *shares, title=f"{_ROUNDS} rounds, Python {sys.version.split()[0]}")
    for workload in workloads:
        of_it = (_share(costs[workload, engine], costs[workload, first]) for engine in others)
        table.add_row(workload, *(f"{median(costs[workload, engine]):.1f}" for engine in engines), *of_it)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
