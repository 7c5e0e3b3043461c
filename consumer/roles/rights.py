"""What each role may ask of Kafka: the least that it needs. Pure.

The law: this is the only list. `hookline topics acls` prints it, docs/security.md is compared with it, and
tests/integration/test_kafka_login.py runs every role with exactly these.

Kafka takes READ and WRITE on something for DESCRIBE on it too, and WRITE on a topic for leave to write idempotently.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from consumer.kafka.topic_specs import Topics
from consumer.roles.role import SEALS, Role
from consumer.settings import Settings

_META: Final = re.compile(r"[\\.\[\](){}*+?|$^]")


class Kind(StrEnum):
    """What something is to Kafka, as `kafka-acls.sh` calls it."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"
    CLUSTER = "cluster"


class Operation(StrEnum):
    """What may be done, as `kafka-acls.sh` calls it."""

    READ = "Read"
    WRITE = "Write"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    CREATE = "Create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """These operations on what has this name, or on all whose names begin with it.

    `without`: what is missed where it is not given; empty where nothing works then.
    """

    kind: Kind
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False
    without: str = ""


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that rights are given on."""

    topics: Topics
    events: tuple[tuple[str, bool], ...]

    def read(self, *names: str) -> list[Right]:
        return [Right(kind=Kind.TOPIC, name=name, operations=(Operation.READ,)) for name in names]

    def write(self, *names: str) -> list[Right]:
        return [Right(kind=Kind.TOPIC, name=name, operations=(Operation.WRITE,)) for name in names]

    def both(self, *names: str) -> list[Right]:
        each = (Operation.READ, Operation.WRITE)
        return [Right(kind=Kind.TOPIC, name=name, operations=each) for name in names]

    def delays(self, *operations: Operation) -> list[Right]:
        return [Right(kind=Kind.TOPIC, name=self.topics.prefix + "retry.", operations=operations, prefixed=True)]

    def event_topics(self, operation: Operation) -> list[Right]:
        return [
            Right(kind=Kind.TOPIC, name=name, operations=(operation,), prefixed=prefixed)
            for name, prefixed in self.events
        ]

    def group(self, *names: str, operation: Operation = Operation.READ) -> list[Right]:
        return [Right(kind=Kind.GROUP, name=name, operations=(operation,)) for name in names]

    def transactional(self, *names: str) -> list[Right]:
        return [
            Right(kind=Kind.TRANSACTIONAL_ID, name=self.topics.prefix + name, operations=(Operation.WRITE,))
            for name in names
        ]


def rights(settings: Settings, role: Role) -> list[Right]:
    """What this role needs, in the order in which it is printed."""
    topics = Topics.of(settings)
    names = _Names(topics, tuple(map(_begins, settings.event_topics)))
    keys = names.both(topics.tenant_keys) if settings.tenant_keys == "on" and role in SEALS else []
    return [*_of(role, names, topics), *keys, *_seen(names, topics, role)]


def creating(settings: Settings) -> list[Right]:
    """What `hookline topics create` and HOOKLINE_CREATE_TOPICS need."""
    prefix = Topics.of(settings).prefix
    return [Right(kind=Kind.TOPIC, name=prefix, operations=(Operation.CREATE, Operation.DESCRIBE), prefixed=True)]


def joined(each: Iterable[Right]) -> list[Right]:
    """The same rights, told once for each thing, and once for each reason to leave one out."""
    found: dict[tuple[Kind, str, bool, str], Right] = {}
    for right in each:
        key = (right.kind, right.name, right.prefixed, right.without)
        before = found.get(key)
        operations = right.operations if before is None else (*before.operations, *right.operations)
        found[key] = Right(
            kind=right.kind,
            name=right.name,
            operations=tuple(operation for operation in Operation if operation in operations),
            prefixed=right.prefixed,
            without=right.without,
        )
    return list(found.values())


def _of(role: Role, names: _Names, topics: Topics) -> list[Right]:
    read, write, both = Operation.READ, Operation.WRITE, (Operation.READ, Operation.WRITE)
    match role:
        case Role.PROJECTION:
            return [*names.both(topics.subscriptions), *names.group(topics.group(role))]
        case Role.DELIVER:
            return [
                *names.event_topics(read),
                *names.read(topics.state),
                *names.delays(write),
                *names.write(topics.ordered, *_ends(topics)),
                *names.group(topics.group(role)),
            ]
        case Role.RETRY:
            return [
                *names.read(topics.state),
                *names.delays(*both),
                *names.both(topics.ordered),
                *names.write(*_ends(topics)),
                *names.group(topics.group(role)),
            ]
        case Role.LOG:
            return [
                *names.read(topics.attempts),
                *names.both(topics.subscriptions),
                *names.write(topics.retry(0)),
                *names.group(topics.group(role), topics.prefix + "suspensions"),
            ]
        case Role.JOBS:
            return [
                *names.event_topics(read),
                *names.read(topics.subscriptions, topics.state, topics.attempts, topics.dead_letter),
                *names.both(topics.jobs, topics.ordered),
                *names.delays(read),
                *names.write(topics.retry(0)),
                *names.group(topics.group(role)),
                *names.group(topics.group("deliver"), topics.group("retry"), operation=Operation.DESCRIBE),
                *names.transactional("replay"),
            ]
        case Role.API:
            return [
                *names.event_topics(read),
                *names.both(topics.subscriptions, topics.state, topics.jobs, topics.attempts, topics.audit),
                *names.read(topics.dead_letter),
            ]
        case _:
            assert_never(role)


def _ends(topics: Topics) -> Sequence[str]:
    """Where a delivery or a record ends, and where a webhook is suspended whose endpoint is gone."""
    return topics.attempts, topics.dead_letter, topics.poison, topics.subscriptions


def _seen(names: _Names, topics: Topics, role: Role) -> list[Right]:
    """What may be left out."""
    unchecked, told = "topics' settings are not checked", (Operation.DESCRIBE_CONFIGS,)
    events = names.events if role in {Role.DELIVER, Role.JOBS, Role.API} else ()
    return [
        *(
            Right(kind=Kind.TOPIC, name=name, operations=told, prefixed=prefixed, without=unchecked)
            for name, prefixed in ((topics.prefix, True), *events)
        ),
        Right(
            kind=Kind.CLUSTER, name="kafka-cluster", operations=told, without="the broker's settings are not checked"
        ),
        Right(
            kind=Kind.GROUP,
            name=topics.prefix + "reader",
            operations=(Operation.DESCRIBE,),
            without="the broker logs denials, and nothing else is missed",
        ),
        *(_for_the_console(topics) if role is Role.API else ()),
        *(_for_short_ways(topics) if role is Role.DELIVER else ()),
    ]


def _for_short_ways(topics: Topics) -> list[Right]:
    group, without = topics.group("retry"), "every ordered delivery takes the way through the topic ordered"
    return [Right(kind=Kind.GROUP, name=group, operations=(Operation.DESCRIBE,), without=without)]


def _for_the_console(topics: Topics) -> list[Right]:
    without = "the operator's console tells nothing of groups and poison"
    describes = (Operation.DESCRIBE,)
    return [
        Right(kind=Kind.GROUP, name=topics.prefix, operations=describes, prefixed=True, without=without),
        Right(kind=Kind.TOPIC, name=topics.prefix, operations=describes, prefixed=True, without=without),
        Right(kind=Kind.TOPIC, name=topics.poison, operations=(Operation.READ,), without=without),
    ]


def _begins(chosen: str) -> tuple[str, bool]:
    """An event topic; or what all names begin with that an expression matches, since rights know no expressions."""
    if not chosen.startswith("^"):
        return chosen, False
    head = _META.split(chosen[1:], maxsplit=1)[0]
    after = chosen[1 + len(head) :]
    if "|" in after:
        head = ""
    elif after[:1] in {"*", "?", "{"}:  # the last character need not be there
        head = head[:-1]
    return (head, True) if head else ("*", False)
