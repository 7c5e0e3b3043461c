"""What a delivery costs here, and what it costs others, in the same minutes: `python -m bench.versus`.

Others are `wrk`, which pays for the bare request alone; the peers of bench/peers, which teams would write instead; and
with BASE=rev this project as it was at a commit. All read the same events from Kafka, one after the other, in rounds.

The law: a machine may be twice as fast in one minute as in the next, so figures of two rounds are never compared.
A ratio is made within a round; what is told is the middle one of the rounds, and their range.
"""

import base64
import json
import os
import secrets
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import limit, machine, needs, results, throughput
from bench.audience import Audience
from bench.installation import ROOT, BenchError, Installation, committed_by, create_events
from bench.load import Load
from bench.parts import NOT_COMPARABLE
from bench.peers import running as peers
from bench.results import Bar
from bench.services import Services, services
from bench.sink import Sink, sinking
from bench.throughput import Contestant
from consumer.roles.role import Role
from tests.services.server import ServiceError

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
EVENTS: Final = int(os.environ.get("BENCH_VERSUS_EVENTS", "60000"))
BASE: Final = os.environ.get("BASE", "")
_OURS: Final = "hookline"
_SLOW_SHARE: Final = 10
"""A peer in Python is measured on so much less."""
_WRK_FOR_S: Final = 3
_REGRESSION: Final = 1.05
"""Of what a delivery cost at BASE."""
_WEBHOOKS: Final = 100
_TENANTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one contestant in one round. Memory is not told of wrk."""

    cpu_us: float
    per_s: float
    rss_mb: float | None = None


Rounds = Mapping[str, Sequence[Figures]]
Contest = Callable[[int], Figures]
"""One contestant's part of a round, which has a number."""


def measure(around: Services, console: Console) -> dict[str, object]:
    """All rounds, and what is made of them. Who cannot run is left out, and it is said why.

    Raises:
        BenchError: Hookline itself could not be measured.
    """
    with sinking(around.folder / "nginx-versus") as sink, _base() as base:
        audience = Audience(name="wh", webhooks=_WEBHOOKS, tenants=_TENANTS, url=lambda number: f"{sink.url}{number}")
        stage = _Stage(around=around, sink=sink, audience=audience)
        stage.publish()
        contests, absent = stage.contests(base)
        rounds: dict[str, list[Figures]] = {name: [] for name in contests}
        for number in range(ROUNDS):
            for name, contest in contests.items():
                if name in absent:
                    continue
                console.print(f"versus, round {number + 1} of {ROUNDS}: {name} ...")
                try:
                    rounds[name].append(contest(number))
                except BenchError as error:
                    if name == _OURS:
                        raise
                    absent[name] = str(error)
    whole = {name: found for name, found in rounds.items() if len(found) == ROUNDS}
    return told(whole) | {NOT_COMPARABLE: {f"versus {name}": reason for name, reason in absent.items()}}


def told(rounds: Rounds) -> dict[str, object]:
    """The figures of all rounds. Pure."""
    found: dict[str, object] = {}
    for name, each in rounds.items():
        costs = [figures.cpu_us for figures in each]
        memory = [figures.rss_mb for figures in each if figures.rss_mb is not None]
        found[name] = {
            "cpu_us": _middle(costs),
            "cpu_us_rounds": costs,
            "per_s": _middle([figures.per_s for figures in each]),
        } | ({"rss_mb": max(memory)} if memory else {})
    ours = rounds[_OURS]
    ratios: dict[str, object] = {}
    for name, each in rounds.items():
        if name == _OURS:
            continue
        times = [mine.cpu_us / other.cpu_us for mine, other in zip(ours, each, strict=True)]
        ratios[f"times_{name}"] = _middle(times)
        ratios[f"times_{name}_range"] = [round(min(times), 3), round(max(times), 3)]
    if "wrk" in rounds:
        ratios["limit_us_per_request"] = _middle([figures.cpu_us for figures in rounds["wrk"]])
        ratios["limit_requests_per_s"] = _middle([figures.per_s for figures in rounds["wrk"]])
    return {**ratios, "versus": found}


def bars(base: str) -> Sequence[Bar]:
    """What is asked of them."""
    return (Bar(figure="times_base", unit="times base", most=_REGRESSION),) if base else ()


def _middle(figures: Sequence[float]) -> float:
    return round(statistics.median(figures), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """What they all find: services, a sink, events that wait."""

    around: Services
    sink: Sink
    audience: Audience

    def publish(self) -> None:
        """The events of all rounds: each contestant reads them as a group of its own."""
        for name, events in ((self._all, EVENTS), (self._few, EVENTS // _SLOW_SHARE)):
            create_events(self._bootstrap, name)
            Load(self._bootstrap, name).publish(self.audience, events)
        self._webhooks.write_text(json.dumps(self._listed()))

    def contests(self, base: Path | None) -> tuple[dict[str, Contest], dict[str, str]]:
        """Who takes part, in this order, and who cannot, and why."""
        found: dict[str, Contest] = {_OURS: partial(self._hookline, _OURS, ROOT)}
        absent: dict[str, str] = {}
        if base is not None:
            found["base"] = partial(self._hookline, "base", base)
        made: Mapping[str, tuple[Callable[[], Sequence[str]], str, int]] = {
            "go": (peers.go, self._all, EVENTS),
            "aiokafka": (peers.aiokafka, self._few, EVENTS // _SLOW_SHARE),
            "httpx": (peers.httpx, self._few, EVENTS // _SLOW_SHARE),
        }
        for name, (command, topic, events) in made.items():
            try:
                found[name] = partial(self._peer, name, command(), topic, events)
            except BenchError as error:
                absent[name] = str(error)
        found["wrk"] = self._wrk
        return found, absent

    def _hookline(self, name: str, tree: Path, number: int) -> Figures:
        installation = Installation(
            folder=self.around.folder / f"{name}-{number}",
            bootstrap=self._bootstrap,
            redis_url=self.around.redis.url(number),
            prefix=f"bench-{name}-{number}.",
            events=self._all,
            tree=tree,
        )
        installation.create_topics()
        with installation.running(Role.PROJECTION):
            installation.subscribe(self.audience)
            installation.await_cache(self.audience)
            return self._measured(throughput.hookline(installation), EVENTS)

    def _peer(self, name: str, command: Sequence[str], topic: str, events: int, number: int) -> Figures:
        group = f"bench-{name}-{number}"
        environment = {
            "PEER_BOOTSTRAP": self._bootstrap,
            "PEER_TOPIC": topic,
            "PEER_GROUP": group,
            "PEER_WEBHOOKS": str(self._webhooks),
        }
        log = self.around.folder / f"{name}.log"
        contestant = Contestant(
            running=lambda: peers.running(command, environment, log),
            committed=lambda: committed_by(self._bootstrap, group, topic),
        )
        return self._measured(contestant, events)

    def _measured(self, contestant: Contestant, events: int) -> Figures:
        found = throughput.measure(contestant, self.sink, events=events)
        if found.delayed_words is not None:
            raise BenchError(found.delayed_words)
        return Figures(cpu_us=found.cpu_us_per_delivery, per_s=found.deliveries_per_s, rss_mb=found.rss_mb)

    def _wrk(self, _number: int) -> Figures:
        found = limit.measure(self.around.folder, self.sink, for_s=_WRK_FOR_S)
        return Figures(cpu_us=found.us_per_request, per_s=found.requests_per_s)

    def _listed(self) -> dict[str, dict[str, list[tuple[str, str]]]]:
        found: dict[str, dict[str, list[tuple[str, str]]]] = {}
        for number in range(self.audience.webhooks):
            types = found.setdefault(self.audience.tenant(number), {})
            secret = base64.b64encode(secrets.token_bytes(24)).decode()
            types.setdefault(self.audience.event_type(number), []).append((self.audience.url(number), secret))
        return found

    @property
    def _bootstrap(self) -> str:
        return self.around.kafka.bootstrap

    @property
    def _all(self) -> str:
        return "bench-versus.all"

    @property
    def _few(self) -> str:
        return "bench-versus.few"

    @property
    def _webhooks(self) -> Path:
        return self.around.folder / "webhooks.json"


def _base() -> AbstractContextManager[Path | None]:
    return _checked_out(BASE) if BASE else nullcontext()


@contextmanager
def _checked_out(revision: str) -> Iterator[Path]:
    """The tree of this commit, until the block ends."""
    tree = ROOT / ".cache" / "bench" / "base"
    remove = ["git", "worktree", "remove", "--force", str(tree)]
    if tree.exists():
        subprocess.run(remove, cwd=ROOT, capture_output=True, check=False)
    added = subprocess.run(
        ["git", "worktree", "add", "--detach", str(tree), revision],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if added.returncode != 0:
        raise BenchError(f"BASE={revision}: {added.stderr.strip()}")
    try:
        yield tree
    finally:
        subprocess.run(remove, cwd=ROOT, capture_output=True, check=False)


def main() -> int:
    """Measure, leave bench/out/versus.json, show; the exit code."""
    console = Console()
    needs.install()
    try:
        with services() as around:
            figures = measure(around, console) | {"machine": machine.describe()}
    except (BenchError, ServiceError) as error:
        print(f"bench.versus: FAIL: {error}")
        return 1
    return results.judge(console, "versus", figures, bars(BASE))


if __name__ == "__main__":
    sys.exit(main())
