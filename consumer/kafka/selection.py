"""Which topics a group reads: names, and expressions that one engine reads wherever they are used, Python's `re`.

The laws: what Hookline writes is never an event topic, whatever an expression matches; and Kafka only ever hears
names, so that what `hookline topics check` lists is what is read.
"""

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from consumer.kafka.topic_specs import Topics
from consumer.settings import ConfigurationError, Settings

_SETTING: Final = "HOOKLINE_EVENT_TOPICS"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")  # Kafka creates no topic of another name
_KAFKAS_OWN: Final = "__"  # __consumer_offsets and the like: only a name chooses them


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`names` are read wherever they exist, and what an expression matches from its first character on."""

    names: tuple[str, ...]
    expressions: tuple[re.Pattern[str], ...] = ()
    never: re.Pattern[str] | None = None

    @property
    def foreign(self) -> bool:
        """Whether the topics are the user's: what becomes of one of them is no reason to stop reading the others."""
        return self.never is not None

    def among(self, existing: Iterable[str]) -> tuple[str, ...]:
        """The topics chosen of those that exist, sorted."""
        return tuple(sorted(name for name in existing if name in self.names or self._matches(name)))

    def _matches(self, name: str) -> bool:
        if name.startswith(_KAFKAS_OWN) or (self.never is not None and self.never.fullmatch(name)):
            return False
        return any(each.match(name) for each in self.expressions)


def event_topics(settings: Settings) -> Selection:
    """The event topics that the settings choose; none where they name none.

    Raises:
        ConfigurationError: an expression is none, a name is none, or it is a topic of Hookline's own.
    """
    ours = _written_by(settings)
    names: list[str] = []
    expressions: list[re.Pattern[str]] = []
    for text in settings.event_topics:
        if text.startswith("^"):
            expressions.append(_compiled(text))
        elif ours.fullmatch(text):
            raise ConfigurationError(
                _SETTING, f"{text} is one of Hookline's own topics: name the topics of your events"
            )
        elif not _NAME.fullmatch(text):
            raise ConfigurationError(
                _SETTING,
                f"{text} is no topic's name: an expression begins with ^ and holds no comma, as in ^orders[.].*",
            )
        else:
            names.append(text)
    return Selection(names=tuple(names), expressions=tuple(expressions), never=ours)


def wanted_topics(settings: Settings) -> Selection:
    """The event topics, for whoever cannot be without.

    Raises:
        ConfigurationError: there are none; else as `event_topics`.
    """
    if not settings.event_topics:
        raise ConfigurationError(_SETTING, "name the topics that hold your events, as in orders,^crm\\..*")
    return event_topics(settings)


def our_own(settings: Settings) -> Callable[[str], bool]:
    """Tells whether a topic is one of Hookline's own, which takes no events."""
    ours = _written_by(settings)
    return lambda name: ours.fullmatch(name) is not None


def _compiled(text: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # [[:alpha:]] is another engine's, and would mean something else here
            return re.compile(text)
    except FutureWarning as warning:
        raise ConfigurationError(_SETTING, f"{text} is no regular expression: {warning}") from None
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ConfigurationError(
            _SETTING,
            f"{text} is no regular expression: {error.msg}{where} (Python's rules: docs.python.org/3/library/re)",
        ) from None


def _written_by(settings: Settings) -> re.Pattern[str]:
    """Our own topics, under these settings or earlier ones with other delays."""
    topics = Topics.of(settings)
    ours = (*topics.lasting, topics.tenant_keys)
    tier = re.escape(topics.prefix) + r"retry\.\d+(ms|s|m|h|d)"
    return re.compile("|".join([*map(re.escape, ours), tier]))
