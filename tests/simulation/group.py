"""A consumer group: who owns which partition, and how that changes in the middle of everything.

The laws, as measured against Kafka 4.3: a partition that moves is first revoked by its owner and then given away; a
member that is silent for the session's time is replaced without being asked, and goes on with what it had until it
hears of it; the broker may accept the commits of such a zombie.
"""

import random
from collections.abc import Sequence
from typing import Protocol

from consumer.delivery.offsets import Partition
from tests.simulation.broker import Broker
from tests.simulation.faults import Faults
from tests.simulation.timeline import Timeline

SESSION_MS = 10_000


class Member(Protocol):
    """One process' membership, as the group sees it. What is asked of it, it does in its next `take`."""

    name: str
    to_assign: set[Partition]
    to_revoke: set[Partition]
    to_lose: set[Partition]

    def wake(self) -> None:
        """Something is asked of it."""


class Group:
    """`members` by name. A static member that left or died keeps its partitions for the session's time."""

    def __init__(
        self,
        name: str,
        topics: Sequence[str],
        broker: Broker,
        *,
        timeline: Timeline,
        faults: Faults,
        dice: random.Random,
    ) -> None:
        self.name = name
        self.topics = topics
        self._broker = broker
        self._timeline = timeline
        self._faults = faults
        self._dice = dice
        self.members: dict[str, Member] = {}
        self._absent: dict[str, tuple[int, list[Partition]]] = {}  # static members: until when, and what they hold
        self.owner: dict[Partition, str] = {}  # as the coordinator sees it
        self.target: dict[Partition, str] = {}

    @property
    def rebalancing(self) -> bool:
        """Whether a partition is on its way from one member to another."""
        return self.owner != self.target

    def join(self, member: Member) -> None:
        """A member comes, or comes back under its static name."""
        self._absent.pop(member.name, None)
        self.members[member.name] = member
        for partition, owner in self.owner.items():
            if owner == member.name:
                member.to_assign.add(partition)
        self.rebalance()

    def leave(self, name: str, *, static: bool) -> None:
        """A member closed or died. A static one is expected back."""
        self.members.pop(name, None)
        held = sorted(partition for partition, owner in self.owner.items() if owner == name)
        if not static:
            self._free(held)
            self.rebalance()
            return
        until_ms = self._timeline.now_ms + SESSION_MS
        self._absent[name] = (until_ms, held)
        self._timeline.at(until_ms, lambda: self._expire_absent(name, until_ms))

    def expire(self, member: Member) -> None:
        """A member was silent: it is out, and does not know."""
        if self.members.get(member.name) is not member:
            return
        del self.members[member.name]
        self._free(sorted(partition for partition, owner in self.owner.items() if owner == member.name))
        self.rebalance()

    def owns(self, member: Member, partition: Partition) -> bool:
        """Whether the coordinator agrees that it is this member's."""
        return self.members.get(member.name) is member and self.owner.get(partition) == member.name

    def returned(self, member: Member, partitions: Sequence[Partition]) -> None:
        """A member has revoked these."""
        if self.members.get(member.name) is member:
            self._free([partition for partition in partitions if self.owner.get(partition) == member.name])
        self._hand_out()

    def rebalance(self) -> None:
        """Spread the partitions evenly, moving as few as possible, and ask their owners for those that move."""
        names = sorted({*self.members, *self._absent})
        if not names:
            return
        partitions = self._broker.of(self.topics)
        most = -(-len(partitions) // len(names))
        loads = dict.fromkeys(names, 0)
        target: dict[Partition, str] = {}
        homeless: list[Partition] = []
        for partition in partitions:
            owner = self.owner.get(partition)
            if owner in loads and loads[owner] < most:
                target[partition] = owner
                loads[owner] += 1
            else:
                homeless.append(partition)
        for partition in homeless:
            name = min(names, key=lambda each: (loads[each], each))
            target[partition] = name
            loads[name] += 1
        self.target = target
        for partition, owner in sorted(self.owner.items()):
            member = self.members.get(owner)
            if member is not None and target[partition] != owner:
                if partition in member.to_assign:
                    member.to_assign.discard(partition)
                    del self.owner[partition]
                else:
                    member.to_revoke.add(partition)
                    member.wake()
        self._hand_out()

    def shuffle(self) -> None:
        """A rebalance that moves something: one partition changes its owner."""
        if len(self.members) < 2 or not self.target:
            return
        partition = self._dice.choice(sorted(self.target))
        others = [name for name in sorted(self.members) if name != self.target[partition]]
        owner = self.members.get(self.owner.get(partition, ""))
        if owner is None or partition in owner.to_assign:
            return
        self.target[partition] = self._dice.choice(others)
        owner.to_revoke.add(partition)
        owner.wake()

    def _expire_absent(self, name: str, until_ms: int) -> None:
        expected = self._absent.get(name)
        if expected is None or expected[0] != until_ms:
            return
        del self._absent[name]
        self._free(expected[1])
        self.rebalance()

    def _free(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self.owner.pop(partition, None)

    def _hand_out(self) -> None:
        for partition, name in self.target.items():
            if partition in self.owner:
                continue
            self.owner[partition] = name
            member = self.members.get(name)
            if member is not None:
                member.to_assign.add(partition)
                member.wake()
