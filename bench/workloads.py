"""What a delivery costs by what it is and where it goes: `python -m bench.workloads [WORKLOAD…]`.

Leaves bench/out/workloads.json.

The usual one: an event of 1 KB, for one webhook of a hundred, whose endpoint's connections are kept. Every other
workload differs from it in one thing.

The law: as in `bench.versus`, figures of two moments are not compared. Each workload runs between two runs of the usual
one, and is told by how many times their mean it took; of all rounds the middle one is told, and the range.

BENCH_ROUNDS (default 3) and BENCH_WORKLOAD_EVENTS (default 40,000) set how long it takes.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import machine, results, throughput
from bench.audience import EVENT_BYTES, Audience, hundred
from bench.installation import BenchError, Installation
from bench.load import Load
from bench.services import Services, services
from bench.sink import Secure, Sink, sinking
from consumer.roles.role import Role
from tests.certificates import Authority

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
EVENTS: Final = int(os.environ.get("BENCH_WORKLOAD_EVENTS", "40000"))
USUAL: Final = "usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`share`: of the events, where each takes longer. `webhooks` makes the audience for a sink.

    `tls`: how the sink's connections are; None: without TLS. `settings` by their field's name.
    """

    words: str
    share: float = 1.0
    webhooks: Callable[[Sink], Audience] = field(default=lambda sink: hundred(sink.url))
    tls: Mapping[str, bool] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


def _sized(event_bytes: int, sink: Sink) -> Audience:
    return replace(hundred(sink.url), event_bytes=event_bytes)


def _fanned(fan_out: int, sink: Sink) -> Audience:
    return replace(hundred(sink.url), webhooks=200, tenants=2, fan_out=fan_out)


def _of_origins(origins: int, sink: Sink) -> Audience:
    return replace(hundred(sink.url), webhooks=origins, url=sink.of_origin)


def _failing(one_of: int, sink: Sink) -> Audience:
    return replace(hundred(sink.url), url=lambda number: f"{sink.url}{'bad/' if number % one_of == 0 else ''}{number}")


WORKLOADS: Final[Mapping[str, Workload]] = {
    USUAL: Workload(words=f"events of {EVENT_BYTES:,} B, 100 webhooks, one origin, kept connections, no TLS"),
    "bytes_200": Workload(words="events of 200 B", webhooks=partial(_sized, 200)),
    "bytes_64k": Workload(words="events of 64 KiB", webhooks=partial(_sized, 65_536), share=0.1),
    "fan_out_10": Workload(words="an event for 10 webhooks", webhooks=partial(_fanned, 10), share=0.1),
    "fan_out_100": Workload(words="an event for 100 webhooks", webhooks=partial(_fanned, 100), share=0.01),
    "origins_200": Workload(words="200 origins, each with a webhook", webhooks=partial(_of_origins, 200)),
    "origins_20k": Workload(
        words="20,000 origins, each with a webhook: each delivery connects",
        webhooks=partial(_of_origins, 20_000),
        share=0.5,
    ),
    "tls": Workload(words="TLS, kept connections", tls={}),
    "tls_resumed": Workload(words="TLS, a connection for each, sessions resumed", tls={"kept": False}, share=0.25),
    "tls_cold": Workload(
        words="TLS, a connection for each, a whole handshake", tls={"kept": False, "resumes": False}, share=0.25
    ),
    "failing_10": Workload(words="one webhook in ten answers 503", webhooks=partial(_failing, 10)),
    "failing_50": Workload(words="one webhook in two answers 503", webhooks=partial(_failing, 2)),
    "tenant_keys": Workload(words="a data key for each tenant", settings={"tenant_keys": "on"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One workload's installation, which all its runs share."""

    workload: Workload
    installation: Installation
    audience: Audience
    sink: Sink

    @property
    def events(self) -> int:
        """Of a run: as many as all groups have a like part of."""
        wanted = int(EVENTS * self.workload.share)
        return max(1, wanted // self.audience.groups) * self.audience.groups

    def cpu_us(self) -> float:
        """What a delivery takes, all threads of the process.

        Raises:
            BenchError: see `throughput.measure`.
        """
        Load(self.installation.bootstrap, self.installation.event_topic).publish(self.audience, self.events)
        with self.installation.running(Role.PROJECTION):
            self.installation.await_cache(self.audience)
            contestant = throughput.hookline(self.installation)
            found = throughput.measure(contestant, self.sink, events=self.events, fan_out=self.audience.fan_out)
        # What fails is tried once, and written for later: that belongs to it.
        return found.cpu_s / (self.events * self.audience.fan_out) * 1e6


def run(named: Sequence[str], console: Console) -> dict[str, object]:
    """All rounds of these workloads beside the usual one; of all where none is named.

    Raises:
        BenchError: the usual one could not be measured.
    """
    where = machine.describe()
    with services() as around, ExitStack() as opened:
        stages = {
            name: opened.enter_context(_staged(around, number, name, workload))
            for number, (name, workload) in enumerate(WORKLOADS.items())
            if not named or name in {USUAL, *named}
        }
        costs: dict[str, list[float]] = {name: [] for name in stages}
        times: dict[str, list[float]] = {name: [] for name in stages if name != USUAL}
        absent: dict[str, str] = {}
        for number in range(ROUNDS):
            before = stages[USUAL].cpu_us()
            costs[USUAL].append(before)
            for name, ratios in times.items():
                if name in absent:
                    continue
                console.print(f"round {number + 1} of {ROUNDS}: {WORKLOADS[name].words} ...")
                try:
                    cost = stages[name].cpu_us()
                except BenchError as error:
                    absent[name] = str(error)
                    continue
                after = stages[USUAL].cpu_us()
                costs[name].append(cost)
                costs[USUAL].append(after)
                ratios.append(2 * cost / (before + after))
                before = after
    return told(costs, times, absent) | {"rounds": ROUNDS, "events": EVENTS, "machine": where}


def told(
    costs: Mapping[str, Sequence[float]], times: Mapping[str, Sequence[float]], absent: Mapping[str, str]
) -> dict[str, object]:
    """The figures of all rounds. Pure."""
    found: dict[str, object] = {"usual_us": round(statistics.median(costs[USUAL]), 1)}
    for name, each in times.items():
        if each and name not in absent:
            found[f"{name}_us"] = round(statistics.median(costs[name]), 1)
            found[f"{name}_times"] = round(statistics.median(each), 2)
            found[f"{name}_range"] = [round(min(each), 2), round(max(each), 2)]
    return found | {"not_comparable": dict(absent)}


def table(found: Mapping[str, Any]) -> str:
    """For the page of performance."""
    rows = ["| workload | CPU µs of a delivery | times the usual one | of the rounds |", "|---|---:|---:|---:|"]
    rows.append(f"| {WORKLOADS[USUAL].words} | {found['usual_us']} | 1 | |")
    for name, workload in WORKLOADS.items():
        if f"{name}_times" in found:
            figures = (found[f"{name}_us"], found[f"{name}_times"], results.shown(found[f"{name}_range"]))
            rows.append(f"| {workload.words} | {' | '.join(map(str, figures))} |")
    told = f"{found['rounds']} rounds, {found['events']:,} events of the usual one in each run."
    return "\n".join([*rows, "", told, ""])


@contextmanager
def _staged(around: Services, number: int, name: str, workload: Workload) -> Iterator[Stage]:
    folder = around.folder / name
    folder.mkdir(parents=True)
    secure, trusted = _secured(folder, workload)
    with sinking(folder / "nginx", secure=secure) as sink:
        installation = Installation(
            folder=folder,
            bootstrap=around.kafka.bootstrap,
            redis_url=around.redis.url(number),
            prefix=f"{name}.",
            options=workload.settings,
            trusted=trusted,
        )
        installation.create_topics()
        audience = workload.webhooks(sink)
        installation.subscribe(audience)
        yield Stage(workload=workload, installation=installation, audience=audience, sink=sink)


def _secured(folder: Path, workload: Workload) -> tuple[Secure | None, Path | None]:
    if workload.tls is None:
        return None, None
    certificates = folder / "certificates"
    certificates.mkdir()
    authority = Authority(certificates)
    certificate, key = authority.client("sink")
    return Secure(certificate=certificate, key=key, **workload.tls), authority.ca_file


def main() -> int:
    """Measure those that are named, or all; the exit code. The file is of these alone: name none for the page."""
    parser = argparse.ArgumentParser(description="What a delivery costs by what it is and where it goes.")
    # Python 3.11 looks for the empty list among the choices where none is named.
    parser.add_argument("named", nargs="*", choices=[*WORKLOADS, []], metavar="WORKLOAD", help=", ".join(WORKLOADS))
    return results.measured("workloads", partial(run, parser.parse_args().named), ())


if __name__ == "__main__":
    sys.exit(main())
