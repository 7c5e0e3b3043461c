"""A process's place among its like on this machine.

The law: of the living processes of one installation and role on one machine no two hold the same slot, so no two
ever use one static instance id (of two that do, Kafka fences the older for good). The lock is the kernel's: it falls
with the process, and the slot is free for the restarted one at once.
"""

import fcntl
import hashlib
import os
import re
import socket
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A slot held for as long as this object's `lock` is open."""

    number: int
    lock: BinaryIO


def installation(settings: Settings) -> str:
    """Which Hookline on this machine: 8 hex digits of its state directory and topic prefix."""
    named = f"{settings.state_dir.resolve()}\0{settings.topic_prefix}"
    return hashlib.blake2b(named.encode(), digest_size=4).hexdigest()


def instance_id(settings: Settings, role: Role, number: int) -> str:
    """The static member's name, `group.instance.id`: host, installation, role and slot (KIP-345)."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:100]
    return f"{host}-{installation(settings)}-{role}-{number}"


def take(settings: Settings, role: Role, wanted: int) -> Slot:
    """Lock the slot wanted, or else the first free one after it: a second supervisor shares the machine.

    Raises:
        ConfigurationError: the state directory cannot be written.
    """
    directory = settings.state_dir / "slots"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for number in count(wanted):
            lock = _locked(directory / f"{installation(settings)}-{role}-{number}.lock")
            if lock is not None:
                return Slot(number=number, lock=lock)
    except OSError as error:
        raise ConfigurationError("HOOKLINE_STATE_DIR", f"cannot lock a slot in {directory}: {error}") from error
    raise AssertionError("counting does not end")


def check(settings: Settings) -> None:
    """Whether slots can be locked.

    Raises:
        ConfigurationError: the state directory cannot be written.
    """
    directory = settings.state_dir / "slots"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            return
    except OSError as error:
        raise ConfigurationError("HOOKLINE_STATE_DIR", f"cannot write in {directory}: {error.strerror}") from error


def _locked(path: Path) -> BinaryIO | None:
    lock = path.open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n".encode())
    lock.flush()
    return lock
