"""Being asked to stop: SIGTERM, SIGINT, or the end of the process that started this one.

The law: what is asked before anybody waits for it is kept, so a process can be stopped from its first line on. This
module imports nothing of Hookline, because it is loaded before everything else.
"""

import os
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType

LAST_RESORT_S = 10.0
_HEARD_S = 0.5


def on_signals(asked: Callable[[], None]) -> None:
    """Call `asked` on each SIGTERM and SIGINT. It runs between two bytecodes of the main thread: it may take no lock.

    `SimpleQueue.put` is such a function (it is reentrant), `Event.set` is not.
    """

    def heard(_number: int, _frame: FrameType | None) -> None:
        asked()

    signal.signal(signal.SIGTERM, heard)
    signal.signal(signal.SIGINT, heard)


def no_longer() -> None:
    """Pass SIGTERM and SIGINT over: of a process that has done all and ends.

    `timeout` sends its signal twice, and the interpreter's own end takes a moment, in which handlers are gone.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def on_end_of_input(asked: Callable[[], None]) -> None:
    """Call `asked` from a thread when standard input ends: the process that held its other end is gone.

    A pipe rather than PR_SET_PDEATHSIG: it works on every system, and follows the process, not the thread.
    """

    def watch() -> None:
        # Not sys.stdin: a daemon thread inside its buffer's lock aborts the interpreter at exit.
        while os.read(0, 4096):
            pass
        asked()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def asked_meanwhile(stop: threading.Event) -> bool:
    """Whether `stop` is set, by a signal too that came during a call into a C library that has just returned.

    Such a signal is handled when the call returns, and its thread sets the event a moment later.
    """
    return stop.wait(_HEARD_S)


def event_of_child() -> threading.Event:
    """The stop event of a supervised process: set by SIGTERM or by the supervisor's death.

    After the latter nobody is there to kill a process that does not drain: it ends itself after 10 s.
    """
    stop = threading.Event()
    asked: SimpleQueue[bool] = SimpleQueue()

    def forward() -> None:
        orphaned = asked.get()
        stop.set()
        while not orphaned:
            orphaned = asked.get()
        threading.Event().wait(LAST_RESORT_S)
        os._exit(os.EX_SOFTWARE)

    on_signals(lambda: asked.put(False))
    threading.Thread(target=forward, name="stop", daemon=True).start()
    on_end_of_input(lambda: asked.put(True))
    return stop
