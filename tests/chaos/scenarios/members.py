"""Members of the group that die, go for good, come and go: how long their partitions stand still."""

import time
from datetime import datetime
from pathlib import Path

from tests.acceptance.deadline import until
from tests.chaos.arena import PARTITIONS
from tests.chaos.faults import now_ms
from tests.chaos.report import Target
from tests.chaos.scenarios.scene import Scene, scene
from tests.chaos.schedule import Kind

_KILLS = 4


def killed(folder: Path) -> list[Target]:
    """A killed worker's partitions deliver again ≤ 3 s after the supervisor has started it again."""
    with scene(folder, hosts=1) as playing:
        running = playing.arena.hosts.running
        assert running is not None
        for number in range(_KILLS):
            time.sleep(4)
            running.kill("deliver")
            running.until_said("process started", of="deliver", times=number + 2)
            playing.moment(Kind.KILL_DELIVER, _at_ms(str(running.said("process started", of="deliver")[-1]["time"])))
            running.assigned("deliver", times=number + 2)
        time.sleep(4)
    return [*playing.kept(), playing.duplicates(), _within("slowest after the start", playing, 3.0)]


def taken_over(folder: Path) -> list[Target]:
    """A supervisor dies with all its processes, for good: the others have its partitions within 15 s."""
    with scene(folder, hosts=2, guests=2) as playing:
        time.sleep(5)
        playing.arena.guests.lose()
        playing.moment(Kind.KILL_DELIVER)
        time.sleep(20)
    return [*playing.kept(), playing.duplicates(), _within("taken over", playing, 15.0)]


def removed(folder: Path) -> list[Target]:
    """A supervisor is stopped for good: the others have its partitions within 12 s."""
    with scene(folder, hosts=2, guests=2) as playing:
        time.sleep(5)
        playing.arena.guests.stop()
        playing.moment(Kind.GUEST)
        time.sleep(16)
    return [*playing.kept(), playing.duplicates(0), _within("taken", playing, 12.0)]


def growth(folder: Path) -> list[Target]:
    """From 1 to 4 processes and back, under the classic protocol."""
    return _grown(folder, {}, duplicates=None)


def growth_consumer(folder: Path) -> list[Target]:
    """The same under KIP-848: no duplicate."""
    return _grown(folder, {"HOOKLINE_GROUP_PROTOCOL": "consumer"}, duplicates=0)


def sigterm(folder: Path) -> list[Target]:
    """SIGTERM and start again, over and over: no duplicate, for every answer comes in time."""
    codes: list[int] = []
    with scene(folder, hosts=2) as playing:
        for _ in range(5):
            time.sleep(3)
            codes.append(playing.arena.hosts.stop())
            running = playing.arena.hosts.start()
            playing.moment(Kind.TERM)
            running.assigned("deliver", times=2)
        time.sleep(3)
    exits = Target(name="exit codes", wanted="0", found=str(sorted(set(codes))), met=set(codes) == {0})
    return [*playing.kept(), playing.duplicates(0), exits, _within("slowest after the start", playing, 30.0)]


def _grown(folder: Path, options: dict[str, str], *, duplicates: int | None) -> list[Target]:
    with scene(folder, hosts=1, options=options) as playing:
        time.sleep(4)
        began_ms = now_ms()
        playing.arena.guests.processes = 3
        guests = playing.arena.guests.start()
        guests.assigned("deliver", times=3)
        _until_shared(playing)
        time.sleep(5)
        playing.arena.guests.stop()
        playing.moment(Kind.GUEST)
        time.sleep(16)
        ended_ms = now_ms()
    silence_s = playing.silence_s(began_ms, ended_ms)
    silent = Target(name="longest silence", wanted="≤ 5 s", found=f"{silence_s:.1f} s", met=silence_s <= 5)
    return [*playing.kept(), playing.duplicates(duplicates), silent, _within("back to one", playing, 15.0)]


def _until_shared(playing: Scene) -> None:
    """Until each of the guests has a partition."""
    guests = playing.arena.guests.running
    assert guests is not None

    def shared() -> bool:
        came = [int(str(line["partitions"])) for line in guests.said("partitions assigned", role="deliver")]
        return sum(came) >= PARTITIONS // 2

    until(shared, within_s=30, missing=lambda: guests.tail)


def _within(name: str, playing: Scene, most_s: float) -> Target:
    slowest_s = max(playing.recovered_s)
    return Target(name=name, wanted=f"≤ {most_s:g} s", found=f"{slowest_s:.1f} s", met=slowest_s <= most_s)


def _at_ms(time_text: str) -> int:
    return int(datetime.fromisoformat(time_text).timestamp() * 1_000)
