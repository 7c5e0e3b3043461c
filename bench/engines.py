"""`python -m bench.engines`: what each HTTP engine costs a request, the engines taking turns in one process.

No bar: only ratios of one run say anything, and they are what is printed last. 64 requests are under way, of 1 KB, over
kept connections to an nginx on loopback, plain and through TLS. Counted is the CPU time of every thread of this
process, and not the sink's. No Kafka, signing or log.
"""

import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.x509 import IPAddress
from rich.console import Console
from rich.table import Table

from bench import cores
from bench.sink import Sink
from consumer.delivery.answer import Response
from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.transport import Transport
from consumer.signing.request import Request
from tests.certificates import Authority

_IN_FLIGHT: Final = 64
_ROUNDS: Final = 15
_A_TURN: Final = 3_000
_GUARD: Final = AddressGuard([ip_network("127.0.0.1/32")])
_HEADERS: Final = (
    ("content-type", "application/json"),
    ("user-agent", "Hookline/0.1"),
    ("webhook-id", "msg_2mbGgNHmPdSOqTaVDoPDzZ"),
    ("webhook-timestamp", "1790000000"),
    ("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
)


def engines(ca_file: Path) -> dict[str, Callable[[], Transport]]:
    """Those that are here."""
    found: dict[str, Callable[[], Transport]] = {"curl": lambda: CurlTransport(_GUARD, ca_file=ca_file)}
    if find_spec("hookline_native"):
        from consumer.http.native import NativeTransport  # noqa: PLC0415 - it may not be installed

        found["native"] = lambda: NativeTransport(_GUARD, ca_file=ca_file)
    return found


def turn(transport: Transport, request: Request, many: int) -> float:
    """Send so many; the CPU time of one, in µs."""
    sent = answered = 0
    began_s = time.process_time()
    while answered < many:
        while transport.in_flight < _IN_FLIGHT and sent < many:
            transport.submit(sent, request)
            sent += 1
        for _, answer in transport.poll(1.0):
            assert isinstance(answer, Response), answer
            assert answer.status == 200
            answered += 1
    return (time.process_time() - began_s) / many * 1_000_000


def measure(opened: dict[str, Transport], request: Request) -> dict[str, list[float]]:
    """The engines in turn, so often."""
    for transport in opened.values():
        turn(transport, request, _IN_FLIGHT * 4)  # connections are made, heads are known
    costs: dict[str, list[float]] = {name: [] for name in opened}
    for number in range(_ROUNDS):
        names = list(opened)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            costs[name].append(turn(opened[name], request, _A_TURN))
    return costs


def main() -> int:
    """Measure, and print a table."""
    console = Console()
    with TemporaryDirectory() as folder, cores.starting_on(cores.UNDER_TEST):
        authority = Authority(Path(folder))
        certificate = authority.certificate(IPAddress(ip_address("127.0.0.1")))
        with cores.starting_on(cores.SURROUNDINGS):
            sink = Sink.start(Path(folder) / "sink", certificate=certificate)
        opened = {name: opener() for name, opener in engines(authority.ca_file).items()}
        table = Table("connection", "engine", "µs least", "median", "÷ curl, median of rounds")
        try:
            for scheme, url in (("plain", sink.url), ("TLS", sink.secure_url)):
                request = Request(
                    url=url, headers=_HEADERS, body=b"x" * 1_024, timeout_ms=30_000, addresses=("127.0.0.1",)
                )
                costs = measure(opened, request)
                for name, each in costs.items():
                    ratio = statistics.median(one / other for one, other in zip(each, costs["curl"], strict=True))
                    table.add_row(scheme, name, f"{min(each):.1f}", f"{statistics.median(each):.1f}", f"{ratio:.2f}")
        finally:
            for transport in opened.values():
                transport.close()
            sink.stop()
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
