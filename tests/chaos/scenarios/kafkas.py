"""Kafka in trouble: a broker of three lost, the wire to it cut, its disk full."""

import time
from pathlib import Path

from tests.chaos.arena import Broker
from tests.chaos.brokers import Brokers, small_disk, wire
from tests.chaos.faults import now_ms
from tests.chaos.report import Target
from tests.chaos.scenarios.scene import Scene, scene
from tests.chaos.schedule import Kind
from tests.services.kafka import Kafka

_DISK_MB = 160


def cluster(folder: Path) -> list[Target]:
    """Three brokers, everything on all of them, two in sync suffice: one after the other is lost and comes back."""
    brokers = Brokers(folder / "brokers", 3)
    options = {"HOOKLINE_REPLICATION_FACTOR": "3"}
    with scene(folder, hosts=2, options=options, kafka=brokers, replication=3) as playing:
        time.sleep(4)
        began_ms = now_ms()
        for victim in range(3):
            brokers.victim = victim
            playing.moment(Kind.BROKER_KILL)
            brokers.kill()
            time.sleep(8)
            brokers.restart()
            time.sleep(6)
        ended_ms = now_ms()
    silence_s = playing.silence_s(began_ms, ended_ms)
    silent = Target(name="longest silence", wanted="≤ 30 s", found=f"{silence_s:.1f} s", met=silence_s <= 30)
    return [*playing.kept(), playing.duplicates(), silent, _recovered(playing)]


def cut(folder: Path) -> list[Target]:
    """The network between Hookline and its broker is cut, for 2, 6 and 15 s: no connection is closed by it."""
    with wire() as line:
        brokers: Broker = Brokers(folder / "brokers", 1, host=line.host, within=line.prefix)
        with scene(folder, hosts=2, kafka=brokers) as playing:
            for for_s in (2, 6, 15):
                time.sleep(5)
                line.cut()
                time.sleep(for_s)
                line.mend()
                playing.moment(Kind.BROKER_PAUSE)
            time.sleep(15)
    return [*playing.kept(), playing.duplicates(), _recovered(playing)]


def disk_full(folder: Path) -> list[Target]:
    """The broker's disk fills up under it: it ends, and once there is room again everything goes on."""
    data = folder / "kafka" / "data"
    with small_disk(data, _DISK_MB):
        kafka = Kafka.start(folder / "kafka")
        with scene(folder, hosts=2, kafka=kafka) as playing:
            time.sleep(5)
            ballast = data / "ballast"
            _fill(ballast)
            time.sleep(10)
            died = not kafka.ready()
            ballast.unlink()
            kafka.restart()
            playing.moment(Kind.BROKER_KILL)
            time.sleep(15)
    ended = Target(name="the broker ended of it", wanted="yes", found="yes" if died else "no", met=died)
    return [ended, *playing.kept(), playing.duplicates(), _recovered(playing)]


def _fill(path: Path) -> None:
    with path.open("wb") as file:
        try:
            while True:
                file.write(bytes(1_048_576))
        except OSError:
            return  # it is full, which was wanted


def _recovered(playing: Scene) -> Target:
    slowest_s = max(playing.recovered_s)
    return Target(name="slowest recovery", wanted="≤ 30 s", found=f"{slowest_s:.1f} s", met=slowest_s <= 30)
