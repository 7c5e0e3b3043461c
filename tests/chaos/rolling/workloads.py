"""The chart's workloads, and how Kubernetes rolls each.

The law: of a StatefulSet one pod at a time, the last one first: it ends, begins anew, and is ready before the next one
ends. Of a Deployment the next one begins, is ready, and then the former one ends. Workloads do not wait for each other.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Final

from tests.acceptance.stage import Stage
from tests.chaos.faults import now_ms
from tests.chaos.rolling.pods import Pod, Replaced
from tests.chaos.rolling.versions import Version

STATEFUL: Final[Mapping[str, int]] = {"deliver": 2, "retry": 2, "log": 2}
"""The replicas of the chart's StatefulSets: their members are static."""
DEPLOYED: Final[Mapping[str, int]] = {"projection": 2, "jobs": 1, "api": 1}
"""The same of its Deployments. Of `api`, which nobody asks here, one will do."""


class Workloads:
    """All pods of an installation. Not `static`: as where the chart's `membership` says `dynamic`."""

    def __init__(self, stage: Stage, *, static: bool = True) -> None:
        self._stage = stage
        self._static = static
        self._lives = count(1)
        self._lock = threading.Lock()
        self._pods: dict[str, list[Pod]] = {}
        self.replaced: list[Replaced] = []

    @property
    def pods(self) -> list[Pod]:
        """Those that there are just now, ready or not."""
        with self._lock:
            return [pod for pods in self._pods.values() for pod in pods]

    def install(self, version: Version) -> None:
        """All pods for the first time; returns when all are ready. Raises NotReady."""
        for role, replicas in {**STATEFUL, **DEPLOYED}.items():
            self._pods[role] = [self._begin(role, number, version) for number in range(replicas)]
        for pod in self.pods:
            pod.await_ready()

    def roll(self, version: Version) -> None:
        """One deployment of this version. Raises NotReady."""
        with ThreadPoolExecutor(len(STATEFUL) + len(DEPLOYED)) as threads:
            rolling = [threads.submit(self._roll_stateful, role, version) for role in STATEFUL]
            rolling += [threads.submit(self._roll_deployed, role, version) for role in DEPLOYED]
        for each in rolling:
            each.result()

    def stop(self) -> Sequence[int]:
        """End all at once; their exit codes."""
        pods = self.pods
        with ThreadPoolExecutor(len(pods)) as threads:
            return list(threads.map(Pod.stop, pods))

    def close(self) -> None:
        """Whatever they do."""
        for pod in self.pods:
            pod.close()

    def _roll_stateful(self, role: str, version: Version) -> None:
        for number in reversed(range(STATEFUL[role])):
            began_s, former = time.monotonic(), self._pods[role][number]
            code = former.stop()
            pod = self._begin(role, number, version)
            with self._lock:
                self._pods[role][number] = pod
            pod.await_ready()
            self._note(former, code, began_s)

    def _roll_deployed(self, role: str, version: Version) -> None:
        for former in list(self._pods[role]):
            began_s = time.monotonic()
            pod = self._begin(role, next(self._lives), version)
            with self._lock:
                self._pods[role].append(pod)
            pod.await_ready()
            with self._lock:
                self._pods[role].remove(former)
            self._note(former, former.stop(), began_s)

    def _begin(self, role: str, number: int, version: Version) -> Pod:
        return Pod(self._stage, role, number, version, next(self._lives), static=self._static and role in STATEFUL)

    def _note(self, former: Pod, code: int, began_s: float) -> None:
        took_s = time.monotonic() - began_s
        with self._lock:
            self.replaced.append(Replaced(at_ms=now_ms(), name=former.name, exit_code=code, took_s=took_s))


def turns(base: Version | None, here: Version) -> Iterator[Version]:
    """What is deployed, one after the other: with a base forth and back, for ever."""
    while True:
        yield here
        if base is not None:
            yield base
