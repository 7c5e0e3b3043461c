"""The sockets that libcurl wants watched, on an epoll of our own.

What is not obvious:
- libcurl removes a socket's interest after each answer and adds it again with the next request. The removal is not
  passed on to epoll: it saves a system call each time, and an idle connection that becomes readable is noticed.
- libcurl reuses a connection that was idle for under a second without a look. So we look, just before requests go out.
"""

import os
import select
import socket
from contextlib import suppress
from typing import Final

import pycurl

_EVENTS_A_TURN: Final = 512
_DRAINED_AT_ONCE: Final = 65_536
_READ: Final = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


class Sockets:
    """Of one engine. Belongs to its thread."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._interest: dict[int, int] = {}

    @property
    def closed(self) -> bool:
        """Whether nothing is watched any more."""
        return self._epoll.closed

    def watch(self, fd: int) -> None:
        """End a wait also when this descriptor, which is none of libcurl's, becomes readable."""
        self._watched.add(fd)
        self._epoll.register(fd, select.EPOLLIN)

    def ready(self, wait_s: float) -> list[tuple[int, int]]:
        """The sockets with something to do, each with what libcurl is to be told of it; waits for the first one.

        Idle connections that turned bad are useless when this returns.
        """
        events = self._epoll.poll(wait_s, _EVENTS_A_TURN)
        ready = [(fd, _action(event)) for fd, event in events if fd in self._interest]
        if len(ready) < len(events):
            for fd, _ in events:
                if fd not in self._interest and fd not in self._watched:
                    self._retire(fd)
        return ready

    def on_socket(self, what: int, fd: int, _multi: pycurl.CurlMulti, _data: object) -> None:
        """Called by libcurl: what it wants to hear of a socket from now on."""
        if what == pycurl.POLL_REMOVE:
            self._leave_idle(fd)
            return
        wanted = (select.EPOLLIN if what & pycurl.POLL_IN else 0) | (select.EPOLLOUT if what & pycurl.POLL_OUT else 0)
        self._interest[fd] = wanted
        # The kernel, not our memory, knows whether this number is still the descriptor it was: ask it.
        try:
            self._epoll.modify(fd, wanted)
        except FileNotFoundError:
            self._epoll.register(fd, wanted)

    def close(self) -> None:
        """Watch nothing any more."""
        self._epoll.close()

    def _leave_idle(self, fd: int) -> None:
        """Without an interest of libcurl's for now: listen on, so that an idle connection that turns bad is noticed."""
        if self._interest.pop(fd, select.EPOLLIN) != select.EPOLLIN:
            with suppress(FileNotFoundError):  # closed already, so the kernel has forgotten it
                self._epoll.modify(fd, select.EPOLLIN)

    def _retire(self, fd: int) -> None:
        """Make an idle connection that became readable useless: the server closed it, or spoke without being asked.

        libcurl (8.23) reuses a connection without looking when it was idle for under a second, and would take those
        bytes for the next answer. Shut down and drained, the connection fails at its next use, before a byte is sent,
        and libcurl opens another.
        """
        with suppress(FileNotFoundError):  # closed within this turn
            self._epoll.unregister(fd)
            with socket.socket(fileno=os.dup(fd)) as idle, suppress(OSError):
                idle.shutdown(socket.SHUT_RDWR)
                while idle.recv(_DRAINED_AT_ONCE, socket.MSG_DONTWAIT):
                    pass


def _action(event: int) -> int:
    """What became possible, in libcurl's words."""
    return (pycurl.CSELECT_IN if event & _READ else 0) | (pycurl.CSELECT_OUT if event & select.EPOLLOUT else 0)
