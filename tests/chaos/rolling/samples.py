"""How old the oldest event is, by the metrics of all pods, once a second; and which alerts fire, by a Prometheus.

The law: a figure is one that a pod told. Who answers nothing (it is just beginning or ending) tells nothing.
"""

import json
import re
import shutil
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from tests.acceptance.receipts import ROOT
from tests.chaos.faults import now_ms
from tests.chaos.rolling.pods import Pod
from tests.chaos.rolling.workloads import Workloads
from tests.services.server import LocalProcess, free_port

_EVERY_S: Final = 1.0
_AGE: Final = re.compile(r'^hookline_oldest_unfinished_age_seconds\{[^}]*role="deliver"[^}]*\} (\S+)$', re.MULTILINE)
_RULES: Final = ROOT / "deploy" / "prometheus" / "hookline.rules.yml"
_ASK_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """The oldest event that a pod had begun and not ended."""

    at_ms: int
    pod: str
    seconds: float


def oldest_s(metrics: str) -> float | None:
    """The largest of `hookline_oldest_unfinished_age_seconds` of the role deliver; None where there is none. Pure."""
    return max(map(float, _AGE.findall(metrics)), default=None)


class Samples:
    """Looks until told to stop. With a Prometheus on this machine the shipped alerts are evaluated as well."""

    def __init__(self, workloads: Workloads, folder: Path) -> None:
        self._workloads = workloads
        self.ages: list[Age] = []
        self._prometheus = _Prometheus(folder) if shutil.which("prometheus") else None

    def run(self, stop: threading.Event) -> None:
        """Look about every second."""
        while not stop.wait(_EVERY_S):
            pods = self._workloads.pods
            if self._prometheus is not None:
                self._prometheus.scrape(pods)
            for pod in pods:
                if pod.role == "deliver":
                    self._look(pod)

    def _look(self, pod: Pod) -> None:
        status, text = pod.ask("/metrics")
        seconds = oldest_s(text) if status == HTTPStatus.OK else None
        if seconds is not None:
            self.ages.append(Age(at_ms=now_ms(), pod=pod.name, seconds=seconds))

    def fired(self) -> Sequence[str] | None:
        """The alerts that fired, whenever; None where no Prometheus is on this machine."""
        return None if self._prometheus is None else self._prometheus.fired()

    def close(self) -> None:
        """End what was started."""
        if self._prometheus is not None:
            self._prometheus.close()


class _Prometheus:
    """One of its own, told of the pods by a file. Each life of a pod has its own address, as in a cluster."""

    def __init__(self, folder: Path) -> None:
        self._targets = folder / "targets.json"
        self._targets.write_text("[]")
        self._known: list[str] = []
        self._port = free_port()
        configuration = folder / "prometheus.yml"
        configuration.write_text(
            "global: {scrape_interval: 2s, evaluation_interval: 2s}\n"
            f"rule_files: [{json.dumps(str(_RULES))}]\n"
            "scrape_configs:\n"
            "  - job_name: hookline\n"
            f"    file_sd_configs: [{{files: [{json.dumps(str(self._targets))}], refresh_interval: 2s}}]\n"
        )
        self._server = LocalProcess(
            [
                "prometheus",
                f"--config.file={configuration}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            log=folder / "prometheus.log",
        )
        self._server.start()

    def scrape(self, pods: Iterable[Pod]) -> None:
        """These, from now on."""
        addresses = sorted(pod.address for pod in pods)
        if addresses != self._known:
            written = self._targets.with_suffix(".new")
            written.write_text(json.dumps([{"targets": addresses}]))
            written.replace(self._targets)
            self._known = addresses

    def fired(self) -> Sequence[str]:
        """By name, with what distinguishes it."""
        query = 'max_over_time(ALERTS{alertstate="firing"}[1d])'
        url = f"http://127.0.0.1:{self._port}/api/v1/query?query={urllib.parse.quote(query)}"
        with urllib.request.urlopen(url, timeout=_ASK_S) as answer:  # it is our own, on loopback
            found = json.load(answer)["data"]["result"]
        return sorted({" ".join(filter(None, map(each["metric"].get, _NAMING))) for each in found})

    def close(self) -> None:
        """End it."""
        self._server.stop()


_NAMING: Final = ("alertname", "role", "reason", "what")
