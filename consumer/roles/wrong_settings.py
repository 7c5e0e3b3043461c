"""What is wrong with the settings, for whoever starts the roles: said once, before any of them runs.

The law: whatever a role would refuse of its settings by itself is found here, all of it, each once by the name its user
knows. Nobody is asked: not Kafka, not Redis, no name server. What only they can tell, each role finds at its start.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Final, TypeAlias

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from consumer.brands.loader import load_brands
from consumer.kafka.client import ASK_TOKEN, Properties, build, client_properties
from consumer.kafka.membership import consumer_properties
from consumer.kafka.producing import producer_properties
from consumer.kafka.reading import reader_properties
from consumer.kafka.selection import event_topics, wanted_topics
from consumer.kafka.topic_writer import writer_properties
from consumer.kafka.topics import Topics
from consumer.replay.ledger import ledger_properties
from consumer.roles import listening, slot, traces
from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings
from consumer.webhooks.cache import connect
from consumer.webhooks.keyring import Keyring

_Check: TypeAlias = Callable[[Settings], object]
_Properties: TypeAlias = Callable[[Settings], Properties]

_EVERY: Final = frozenset(Role)
_DELIVERING: Final = frozenset({Role.DELIVER, Role.RETRY})
_IN_GROUPS: Final = _EVERY - {Role.API}
_QUIET: Final = 0


def wrong_settings(settings: Settings, roles: Collection[Role]) -> list[ConfigurationError]:
    """What these roles would refuse; of no roles, what is wrong in itself."""
    found: dict[str, ConfigurationError] = {}
    for each in _refused(settings, roles):
        found.setdefault(str(each), each)
    return list(found.values())


def _refused(settings: Settings, roles: Collection[Role]) -> Iterator[ConfigurationError]:
    for of, check in _CHECKS:
        if of is None or not of.isdisjoint(roles):
            try:
                check(settings)
            except ConfigurationError as error:
                yield error


def _kafka(settings: Settings) -> None:
    """What is said of every client, if anything is."""
    if settings.kafka:
        build(AdminClient, _quiet(client_properties(settings)))


def _member(role: Role, settings: Settings) -> Properties:
    """Of a member of the role's group."""
    instance = slot.instance_id(settings, role, 0)
    return consumer_properties(settings, group=Topics.of(settings).group(role), instance=instance)


def _admin(settings: Settings) -> None:
    """Nobody listens where nothing is said."""
    if settings.admin_listen:
        listening.check(listening.ADMIN, settings.admin_listen)


def _keys(settings: Settings) -> None:
    if settings.encryption_keys:
        Keyring.from_settings(settings)


def _quiet(properties: Properties) -> Properties:
    """A client that is made to see whether it can be made asks for no token, and says nothing of where Kafka is not."""
    kept = {name: value for name, value in properties.items() if name != ASK_TOKEN}
    return {**kept, "log_level": _QUIET}


def _builds(make: Callable[..., object], properties: _Properties) -> _Check:
    return lambda settings: build(make, _quiet(properties(settings)))


# What each role needs; None: whatever is said has to be right, even if nobody needs it.
_CHECKS: Final[tuple[tuple[frozenset[Role] | None, _Check], ...]] = (
    (None, lambda settings: load_brands(settings.brands_dir)),
    (None, event_topics),
    (None, connect),
    (None, lambda settings: listening.address_of(listening.API, settings.api_listen)),
    (None, lambda settings: settings.admin_listen and listening.address_of(listening.ADMIN, settings.admin_listen)),
    (None, _keys),
    (None, _kafka),
    (_EVERY, client_properties),
    (_EVERY, slot.check),
    (_EVERY, _admin),
    (frozenset({Role.DELIVER, Role.JOBS}), wanted_topics),
    (_DELIVERING | {Role.API}, Keyring.from_settings),
    (_DELIVERING, traces.check),
    (frozenset({Role.API}), lambda settings: listening.check(listening.API, settings.api_listen)),
    *((frozenset({role}), _builds(Consumer, partial(_member, role))) for role in sorted(_IN_GROUPS)),
    (_IN_GROUPS - {Role.JOBS}, _builds(Producer, partial(producer_properties, idempotent=True))),
    (_DELIVERING, _builds(Producer, partial(producer_properties, idempotent=False))),
    (_EVERY - _DELIVERING, _builds(Consumer, reader_properties)),
    (frozenset({Role.API}), _builds(Producer, writer_properties)),
    (frozenset({Role.JOBS, Role.API}), _builds(Producer, ledger_properties)),
)
