"""The demo: the real roles on an embedded broker and cache, receivers that fail on purpose, and the proof at the end.

The law: exit 0 only when every delivery was accepted by its receiver or lies in the dead letters, every replayed dead
letter was accepted, every signature verified, and the roles ended in order. It ends whatever happens:
each wait has its end, and where one does not come to it, the process is ended.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from queue import Empty

from rich.console import Console

from consumer.demo import stage, story
from consumer.demo.broker import Broker
from consumer.demo.cache import Cache
from consumer.demo.receiver import Receiver
from consumer.demo.replays import Replays
from consumer.demo.scenario import HOOKS, Plan, Tally, event
from consumer.demo.shop import Shop
from consumer.demo.show import Show, line, show
from consumer.demo.wires import DeadLetters, Publisher
from consumer.roles.supervision import is_asked_again
from consumer.settings import ConfigurationError, Settings

_EVENTS_PER_S = 10
_TURN_S = 0.05
_SETTLE_WITHIN_S = 60.0
_LAST_RESORT_S = 4 * _SETTLE_WITHIN_S
"""After what was asked for: a start on a busy machine, retries, replays, and the ends of the processes."""
_CAST = "one endpoint fails at first, one is slow, one is dead"


class DemoFailed(Exception):  # noqa: N818  # it names what happened, as the glossary does
    """The demo could not be carried through."""


class _Demo:
    def __init__(self, settings: Settings, plan: Plan, receiver: Receiver, roles: stage.Roles, view: Show) -> None:
        self._settings = settings
        self._plan = plan
        self._receiver = receiver
        self._roles = roles
        self._view = view
        self._began_s = time.monotonic()
        self._stop_asked = threading.Event()
        self.tally = Tally()

    def ask_to_stop(self) -> None:
        """Publish no more and bring what was published to its end."""
        self._stop_asked.set()

    @property
    def elapsed_s(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self._began_s

    def carry_out(self, names: dict[str, str]) -> None:
        """Publish, fail, retry, dead-letter, mend, replay, until everything has come to its end."""
        publisher = Publisher(self._settings, stage.EVENT_TOPIC, self.tally)
        replays = Replays(self._settings)
        with DeadLetters(self._settings) as dead_letters:

            def turn(doing: str) -> None:
                publisher.poll()
                for dead in dead_letters.wait(_TURN_S):
                    if (name := names.get(dead.subscription_id)) is not None:
                        self.tally.died(dead.delivery_id, name, dead.event_id)
                self._take_receipts()
                self._view.update(self.elapsed_s, doing, self.tally.rows())
                if not self._roles.running:
                    raise DemoFailed("the roles ended unasked")
                if replays.error is not None:
                    raise replays.error

            self._view.say(
                f"{self.elapsed_s:5.1f} s  {_EVENTS_PER_S} events a second for {len(HOOKS)} webhooks: {_CAST}"
            )
            self._publish(publisher, replays, turn)
            publisher.finish()
            how = " (Ctrl-C once more ends at once)" if self._stop_asked.is_set() else ""
            self._view.say(
                f"{self.elapsed_s:5.1f} s  published {self.tally.events} events; waiting for their ends{how}"
            )
            until_s = self.elapsed_s + _SETTLE_WITHIN_S
            self._until(lambda: not self.tally.open(), until_s, turn, "finishing retries")
            self._mend(mended=True)
            self._replay(replays, turn)
            turn("done")

    def _replay(self, replays: Replays, turn: Callable[[str], None]) -> None:
        """What is not accepted in time, however often it is replayed, is in the tally."""
        until_s = self.elapsed_s + _SETTLE_WITHIN_S
        while (dead := self.tally.dead_deliveries) and self.elapsed_s < until_s:
            if replays.ask(dead):
                self._view.say(f"{self.elapsed_s:5.1f} s  replaying {len(dead)} dead letters")
            self._until(partial(self._accepted, dead, replays), until_s, turn, "replaying")

    def _accepted(self, dead: frozenset[str], replays: Replays) -> bool:
        return not (replays.running or self.tally.dead_deliveries & dead)

    def _publish(self, publisher: Publisher, replays: Replays, turn: Callable[[str], None]) -> None:
        published = told = 0
        while self.elapsed_s < self._plan.publish_until_s and not self._stop_asked.is_set():
            while published < self.elapsed_s * _EVENTS_PER_S:
                publisher.publish(event(published))
                published += 1
            while told < self.elapsed_s * story.EVENTS_PER_S:
                publisher.publish(story.event(told))
                told += 1
            self._mend(mended=self._plan.mended_at(self.elapsed_s))
            if self._receiver.mended and replays.ask(self.tally.dead_deliveries):
                self._view.say(f"{self.elapsed_s:5.1f} s  replaying the dead letters")
            turn("publishing")

    def _until(self, done: Callable[[], bool], until_s: float, turn: Callable[[str], None], doing: str) -> None:
        """Take turns until it is done, or it is so late (`elapsed_s`): what is missing then is in the tally."""
        said = False
        while not done() and self.elapsed_s < until_s:
            if self._plan.for_s is not None and self.elapsed_s > self._plan.for_s and not said:
                said = True
                self._view.say(f"{self.elapsed_s:5.1f} s  longer than asked: the last deliveries are still under way")
            turn(doing)

    def _take_receipts(self) -> None:
        while True:
            try:
                self.tally.received(self._receiver.receipts.get_nowait())
            except Empty:
                return

    def _mend(self, *, mended: bool) -> None:
        if mended != self._receiver.mended:
            self._receiver.mended = mended
            self._view.say(f"{self.elapsed_s:5.1f} s  the dead endpoint is {'mended' if mended else 'dead again'}")


def run(for_s: float | None) -> int:
    """Run the demo for about `for_s` seconds, or until Ctrl-C; returns the exit code: 0 proven, 1 not."""
    console = Console()

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    with ExitStack() as stack:
        if for_s is not None:
            stack.enter_context(_ending_at_last(for_s + _LAST_RESORT_S))
        folder = stack.enter_context(_folder())
        shop = stack.enter_context(Shop())
        say(story.told(shop.url))
        say("  starting a Kafka and a Redis inside this process ...")
        broker = stack.enter_context(Broker(stage.topic_names()))
        cache = stack.enter_context(Cache())
        receiver = stack.enter_context(Receiver())
        environment = stage.environment(broker.bootstrap_servers, cache.url, folder)
        settings = stack.enter_context(stage.settings_of(environment, folder))
        say(f"  creating {len(HOOKS) + len(story.ENDPOINTS)} webhooks ...")
        names = stage.subscribe(settings, receiver, shop)
        say("  starting hookline run: projection, deliver, retry, log, jobs, api; the pages open in a moment ...")
        roles = stack.enter_context(stage.Roles(environment, folder))
        shop.leads_to(settings)
        with show(console) as view:
            demo = _Demo(settings, Plan(for_s=for_s), receiver, roles, view)
            _on_interrupt(demo.ask_to_stop)
            failure = _carried_out(demo, names)
        code = roles.stop()
        return _verdict(demo, failure, code, roles.log_tail())


@contextmanager
def _folder() -> Iterator[Path]:
    """For the roles' log and what they keep.

    Raises:
        ConfigurationError: there is no folder for temporary files.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix="hookline-demo-")
    except OSError as error:
        raise ConfigurationError(
            "TMPDIR", f"the demo writes into a folder for temporary files: name one that can be written ({error})"
        ) from None
    with made as path:
        yield Path(path)


@contextmanager
def _ending_at_last(after_s: float) -> Iterator[None]:
    """Should something wait where it must not, this process ends after so long, and the roles with it."""

    def end() -> None:
        sys.stdout.write(f"demo: FAILED, it did not end within {after_s:.0f} s\n")
        sys.stdout.flush()
        os._exit(1)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _carried_out(demo: _Demo, names: dict[str, str]) -> str | None:
    try:
        demo.carry_out(names)
    except DemoFailed as error:
        return str(error)
    return None


def _on_interrupt(asked: Callable[[], None]) -> None:
    """The first Ctrl-C or SIGTERM asks for the end, a second one ends at once."""
    first_s: float | None = None

    def heard(_number: int, _frame: object) -> None:
        nonlocal first_s
        now_s = time.monotonic()
        if first_s is None:
            first_s = now_s
        elif is_asked_again(first_s, now_s):
            raise KeyboardInterrupt
        asked()

    signal.signal(signal.SIGINT, heard)
    signal.signal(signal.SIGTERM, heard)


def _verdict(demo: _Demo, failure: str | None, code: int, log: str) -> int:
    rows = demo.tally.rows()
    faults = [*([] if failure is None else [failure]), *demo.tally.faults()]
    if demo.tally.dead_deliveries:
        faults.append(f"{len(demo.tally.dead_deliveries)} replayed dead letters were not accepted")
    if code != os.EX_OK:
        faults.append(f"hookline run ended with {code}")
    wanted = sum(row.wanted for row in rows)
    if wanted == 0:
        faults.append("nothing was published")
    sys.stdout.write(line(demo.elapsed_s, "end", rows) + "\n")
    if faults:
        sys.stdout.write("".join(f"  {fault}\n" for fault in faults[:20]) + f"the roles' log ends:\n{log}\n")
        sys.stdout.write(f"demo: FAILED, {len(faults)} faults in {wanted} deliveries\n")
        return 1
    replayed = sum(row.replayed for row in rows)
    sys.stdout.write(
        f"demo: passed, {wanted} of {wanted} deliveries ended where they should"
        f" ({replayed} by replay), {sum(row.verified for row in rows)} signatures verified\n"
    )
    return 0
