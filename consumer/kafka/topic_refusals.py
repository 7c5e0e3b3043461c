"""What to ask of a broker that refuses to create a topic as we would have it. Pure.

The law: only what the broker's own default may do for is left out, and what is asked for is never less than is needed.
Whether what was created is fit is compared afterwards, as of every topic.

Amazon MSK Serverless lets seven settings be set, and Redpanda with tiered storage refuses `delete.retention.ms`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from confluent_kafka import KafkaError

from consumer.kafka.topic_specs import TopicSpec

REFUSALS: Final = frozenset({KafkaError.INVALID_CONFIG, KafkaError.POLICY_VIOLATION, KafkaError.INVALID_REQUEST})
"""How brokers say that it is a setting that they do not take."""

_LEFT_OUT: Final = ("delete.retention.ms", "retention.bytes")
_LESS: Final = "max.message.bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A topic as a broker is asked for it. `eased` says what changed since it was asked for last."""

    spec: TopicSpec
    config: Mapping[str, str]
    eased: str = ""

    @classmethod
    def of(cls, spec: TopicSpec) -> Self:
        """The topic as we would have it, with every setting that its rules name."""
        return cls(spec=spec, config=MappingProxyType({rule.setting: rule.create for rule in spec.rules}))

    def after(self, said: str) -> "Asked | None":
        """What to ask for next, when the broker refused and said this; None where nothing more can be given up."""
        known = sorted(self.config, key=len, reverse=True)  # the longest first: some names are part of others
        named = next((setting for setting in known if setting in said), None)
        wanted = self._to_ease() if named is None else [named]
        for setting in wanted:
            if setting in _LEFT_OUT:
                rest = {name: value for name, value in self.config.items() if name != setting}
                return Asked(spec=self.spec, config=MappingProxyType(rest), eased=f"without {setting}")
            if setting == _LESS and self.config[_LESS] != self._least():
                less = {**self.config, _LESS: self._least()}
                return Asked(spec=self.spec, config=MappingProxyType(less), eased=f"with {_LESS}={self._least()}")
        return None

    def _to_ease(self) -> list[str]:
        return [setting for setting in (*_LEFT_OUT, _LESS) if setting in self.config]

    def _least(self) -> str:
        wanted = [rule for rule in self.spec.rules if rule.setting == _LESS and rule.fatal]
        return str(max(rule.least or 0 for rule in wanted))
