"""Every number and duration of the settings has bounds, and at its bounds nothing that is computed from it breaks."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import get_args

import pytest
from annotated_types import Ge, Le
from pydantic import AfterValidator
from pydantic.fields import FieldInfo

from consumer.api.rate import RateLimit
from consumer.configuration import load
from consumer.delivery.core import Core
from consumer.delivery.lane import Patience
from consumer.delivery.offsets import Position
from consumer.delivery.step import Bury, Delay
from consumer.events.event import Record
from consumer.http.engine import open_transport
from consumer.kafka.topic_specs import longest_consumed_ms, specs
from consumer.log.health import Health
from consumer.log.suspension import Rule, is_due
from consumer.roles.marks import Marks
from consumer.roles.pool import rules
from consumer.setting_values import DELAY, MOST_DELAYS, Span, duration_ms
from consumer.settings import ConfigurationError, Settings
from consumer.webhooks.cache import connect
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, event, response, subscription, target_of


def _is_number(field: FieldInfo) -> bool:
    return field.annotation is int or int in get_args(field.annotation)


def _is_duration(field: FieldInfo) -> bool:
    return field.annotation is str and re.fullmatch("[0-9]+(ms|s|m|h|d)", str(field.default)) is not None


def _span(field: FieldInfo) -> Span | None:
    found = (each.func for each in field.metadata if isinstance(each, AfterValidator))
    return next((each for each in found if isinstance(each, Span)), None)


def _bounds(field: FieldInfo) -> tuple[int, int]:
    [least] = [each.ge for each in field.metadata if isinstance(each, Ge)]
    [most] = [each.le for each in field.metadata if isinstance(each, Le)]
    assert isinstance(least, int)
    assert isinstance(most, int)
    return least, most


NUMBERS = {name: field for name, field in Settings.model_fields.items() if _is_number(field)}
DURATIONS = {name: field for name, field in Settings.model_fields.items() if _is_duration(field)}


def _at_bounds() -> Iterator[tuple[str, dict[str, object]]]:
    least: dict[str, object] = {"retry_delays": (DELAY.least,)}
    most: dict[str, object] = {"retry_delays": (*(f"{number}h" for number in range(1, MOST_DELAYS)), DELAY.most)}
    for name, field in NUMBERS.items():
        least[name], most[name] = _bounds(field)
    for name, field in DURATIONS.items():
        span = _span(field)
        assert span is not None
        least[name], most[name] = span.least, span.most
    yield "all least", least
    yield "all most", most
    for name, value in least.items():
        yield f"{name} least", {name: value}
        yield f"{name} most", {name: most[name]}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_bounds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    least, most = _bounds(NUMBERS[name])
    for wrong in (least - 1, most + 1, 10**30):
        monkeypatch.setenv(f"HOOKLINE_{name.upper()}", str(wrong))
        with pytest.raises(ConfigurationError, match=f"HOOKLINE_{name.upper()}"):
            load()


@pytest.mark.parametrize("name", [*DURATIONS, "retry_delays"])
def test_every_duration_has_bounds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("36500d", "9" * 18 + "d", "9" * 5_000 + "d", "٣s"):
        monkeypatch.setenv(f"HOOKLINE_{name.upper()}", wrong)
        with pytest.raises(ConfigurationError, match=f"HOOKLINE_{name.upper()}"):
            load()
    span = DELAY if name == "retry_delays" else _span(DURATIONS[name])
    assert span is not None
    assert duration_ms(span.least) < duration_ms(span.most)


def test_delays_are_bounded_in_number_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_RETRY_DELAYS", ",".join(f"{number}s" for number in range(1, MOST_DELAYS + 2)))
    with pytest.raises(ConfigurationError, match="at most 32"):
        load()


@pytest.mark.parametrize("values", [pytest.param(values, id=name) for name, values in _at_bounds()])
def test_at_its_bounds_nothing_computed_from_a_setting_breaks(values: dict[str, object]) -> None:
    settings = Settings.model_validate(values)
    _deliver(settings)
    assert all(
        int(rule.create) >= -1
        for spec in specs(settings, event_bytes=2**31 - 1)
        for rule in spec.rules
        if rule.create.isdigit()
    )
    assert longest_consumed_ms(settings, [2**62]) == 2**62
    connect(settings).close()
    Marks.from_settings(settings)
    RateLimit(settings.api_requests_per_s).take("k", 1e9)
    is_due(Health(), Rule(after_ms=duration_ms(settings.suspend_after), attempts=settings.suspend_attempts))
    if "max_in_flight" in values:
        for engine in ("auto", "sockets", "curl"):
            open_transport(settings.model_copy(update={"transport": engine})).close()


def _deliver(settings: Settings) -> None:
    """One event through the whole of its schedule, against an endpoint that asks to wait."""
    tiers = [0]
    for patience in (Patience(), Patience(wait_ms=10_000, slow_ms=None)):
        core = Core(rules(settings, patience), decode=lambda _: event(), target=target_of)
        core.assigned({("events", 0): Position(0)})
        core.records(NOW_MS, [_record()])
        for now_ms in range(NOW_MS, NOW_MS + 10 * 60_000, 30_000):
            step = core.next(now_ms, now_ms)
            for tenant in step.load:
                core.loaded(now_ms, tenant, Loaded(version="1", subscriptions=(subscription(),)))
            for token, _ in step.send:
                core.answered(now_ms, token, response(503, ("retry-after", "9" * 12)))
            for token, write in step.write:
                assert isinstance(write, Bury | Delay)
                tiers.append(write.tier if isinstance(write, Delay) else 0)
                core.acknowledged(token)
        assert not core.busy
    schedule = rules(settings, Patience()).schedule
    for tier in range(len(schedule.delays_ms)):
        assert 0 <= schedule.jitter_ms("ff" * 16, tier) <= max(schedule.delays_ms)
    assert all(before < after for before, after in pairwise(schedule.delays_ms))
    assert max(tiers) <= schedule.last


def _record() -> Record:
    return Record(topic="events", partition=0, offset=0, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)
