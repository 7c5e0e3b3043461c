"""What the supervisor hears: signals and the ends of its children, in the order in which they happened."""

from dataclasses import dataclass
from functools import cache
from queue import SimpleQueue
from typing import TypeAlias

from consumer.roles import stop
from consumer.roles.supervision import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """A signal came, or the process that started us is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A child ended with this code (negative: the signal that ended it)."""

    member: Member
    code: int


Inbox: TypeAlias = SimpleQueue[StopAsked | Exited]


@cache
def of_signals() -> Inbox:
    """The process's inbox, which from the first call on receives SIGTERM and SIGINT; later calls return the same."""
    inbox: Inbox = SimpleQueue()
    stop.on_signals(lambda: inbox.put(StopAsked()))
    return inbox
