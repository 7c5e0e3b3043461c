"""Does to the arena what the schedule says, and notes when each fault began and ended.

The law: a fault has ended when what it took away is there again (a broker that answers, a supervisor started); what is
counted was done to something that was alive.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from tests.chaos.arena import Arena, House
from tests.chaos.schedule import KILLED, STOPPED, Fault, Kind

_ALIVE_WITHIN_S: Final = 8.0
_ROLES: Final = {**KILLED, **STOPPED}
_MOODS: Final = {Kind.RECEIVER_HANGS: signal.SIGUSR2, Kind.RECEIVER_RESETS: signal.SIGUSR1}


def now_ms() -> int:
    """Since 1970: the clock of receipts and records too."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """A fault as it was. `detail` says to whom."""

    kind: Kind
    began_ms: int
    ended_ms: int
    detail: str = ""


class Faults:
    """Runs a schedule, a thread for each stream."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._lock = threading.Lock()
        self._under_way: dict[int, Kind] = {}
        self.happened: list[Happened] = []
        self.exits: list[int] = []

    def under_way(self) -> set[Kind]:
        """The kinds of fault that last just now."""
        with self._lock:
            return set(self._under_way.values())

    def run(self, schedule: dict[str, Sequence[Fault]], stop: threading.Event) -> None:
        """Carry the schedule out; returns when every stream has ended. What a stream raises is raised."""
        began_s = time.monotonic()
        with ThreadPoolExecutor(len(schedule)) as threads:
            streams: list[Future[None]] = [
                threads.submit(self._stream, faults, began_s, stop) for faults in schedule.values()
            ]
            try:
                for stream in streams:
                    stream.result()
            except BaseException:
                stop.set()
                raise

    def _stream(self, faults: Sequence[Fault], began_s: float, stop: threading.Event) -> None:
        for number, fault in enumerate(faults):
            if stop.wait(max(0.0, began_s + fault.at_s - time.monotonic())):
                return
            key = id(faults) + number
            with self._lock:
                self._under_way[key] = fault.kind
            try:
                self.do(fault)
            finally:
                with self._lock:
                    del self._under_way[key]

    def do(self, fault: Fault) -> None:
        """One fault, from its begin to its end."""
        match fault.kind:
            case kind if kind in KILLED:
                self._kill(fault)
            case kind if kind in STOPPED:
                self._freeze(fault)
            case Kind.TERM:
                self._again(fault, self._arena.hosts)
            case Kind.GUEST:
                self._visit(fault)
            case Kind.BROKER_KILL | Kind.BROKER_PAUSE:
                self._broker(fault)
            case Kind.REDIS_KILL | Kind.REDIS_PAUSE | Kind.REDIS_FLUSH:
                self._redis(fault)
            case _:
                self._receiver(fault)

    def _kill(self, fault: Fault) -> None:
        victim = self._victim(fault)
        if victim is None:
            return
        house, pid = victim
        with house.lock:
            began_ms = now_ms()
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return
        self._note(fault.kind, began_ms, f"{house.name} {pid}")

    def _freeze(self, fault: Fault) -> None:
        victim = self._victim(fault)
        if victim is None:
            return
        house, pid = victim
        with house.lock:  # a stop meanwhile would only find it deaf
            began_ms = now_ms()
            try:
                os.kill(pid, signal.SIGSTOP)
                time.sleep(fault.for_s)
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                return
        self._note(fault.kind, began_ms, f"{house.name} {pid} {fault.for_s:.1f} s")

    def _again(self, fault: Fault, house: House) -> None:
        with house.lock:
            began_ms = now_ms()
            self.exits.append(house.stop())
            house.start()
        self._note(fault.kind, began_ms, house.name)

    def _visit(self, fault: Fault) -> None:
        house = self._arena.guests
        with house.lock:
            came_ms = now_ms()
            house.start()
        self._note(Kind.GUEST, came_ms, "comes")
        time.sleep(fault.for_s)
        with house.lock:
            left_ms = now_ms()
            self.exits.append(house.stop())
        self._note(Kind.GUEST, left_ms, "goes")

    def _broker(self, fault: Fault) -> None:
        kafka, began_ms = self._arena.kafka, now_ms()
        if fault.kind is Kind.BROKER_PAUSE:
            kafka.pause()
            time.sleep(fault.for_s)
            kafka.resume()
        else:
            kafka.kill()
            time.sleep(fault.for_s / 4)
            kafka.restart()
        self._note(fault.kind, began_ms, f"{fault.for_s:.1f} s")

    def _redis(self, fault: Fault) -> None:
        server, began_ms = self._arena.redis, now_ms()
        if fault.kind is Kind.REDIS_PAUSE:
            server.pause()
            time.sleep(fault.for_s)
            server.resume()
        elif fault.kind is Kind.REDIS_KILL:
            server.kill()
            time.sleep(fault.for_s)
            server.restart()
        else:
            with redis.Redis.from_url(self._arena.redis_url) as client:
                client.flushall()
        self._note(fault.kind, began_ms)

    def _receiver(self, fault: Fault) -> None:
        customers = list(self._arena.customers.values())
        customer, began_ms = customers[int(fault.pick * len(customers))], now_ms()
        if fault.kind is Kind.RECEIVER_KILL:
            customer.server.kill()
            time.sleep(fault.for_s)
            customer.start()
        else:
            customer.tell(_MOODS[fault.kind])
            time.sleep(fault.for_s)
            customer.tell(signal.SIGHUP)
        self._note(fault.kind, began_ms, customer.name)

    def _victim(self, fault: Fault) -> tuple[House, int] | None:
        """A living process of the role. None when there was none in time: each is just being started."""
        until_s = time.monotonic() + _ALIVE_WITHIN_S
        while time.monotonic() < until_s:
            found = [
                (house, pid)
                for house in self._arena.houses
                for pid, role, _ in workers(house)
                if role == _ROLES[fault.kind]
            ]
            if found:
                return found[int(fault.pick * len(found))]
            time.sleep(0.2)
        return None

    def _note(self, kind: Kind, began_ms: int, detail: str = "") -> None:
        with self._lock:
            self.happened.append(Happened(kind=kind, began_ms=began_ms, ended_ms=now_ms(), detail=detail))


def workers(house: House) -> list[tuple[int, str, str]]:
    """The living processes of a supervisor: pid, role and slot."""
    running = house.running
    if running is None:
        return []
    found: list[tuple[int, str, str]] = []
    for task in Path(f"/proc/{running.supervisor_pid}/task").glob("*/children"):
        try:
            pids = [int(word) for word in task.read_text().split()]
            lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in pids}
        except OSError:
            continue  # it is going just now
        for pid, line in lines.items():
            if b"consumer.roles.process" in line:
                at = line.index(b"consumer.roles.process")
                found.append((pid, line[at + 1].decode(), line[at + 2].decode()))
    return sorted(found)
