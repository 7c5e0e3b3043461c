"""Which webhooks the role log tells of one by one: bounded, by its operator's wish, and on a path of their own."""

from collections.abc import Mapping

import pytest

from consumer.control.directory import Directory
from consumer.events.event import Record
from consumer.log.health import Health
from consumer.log.stats import Stats
from consumer.roles.admin_http import Asked
from consumer.roles.answering import Answering
from consumer.roles.overview import Overview
from consumer.roles.role import Role
from consumer.roles.supervision import Member
from consumer.roles.webhook_figures import WebhookFigures
from consumer.settings import Settings
from consumer.telemetry.catalogue import ALL
from consumer.telemetry.snapshot import Reading
from consumer.telemetry.webhook_metrics import MOST_WEBHOOKS, OF_WEBHOOKS
from consumer.webhooks import record
from tests.deliveries import NOW_MS, subscription

LOG = Member(role=Role.LOG, slot=0)


class Known:
    """Every webhook there is has health; these fail, the worst first."""

    def __init__(self, *failing: str) -> None:
        self.failing = [*failing]
        self.looked = 0

    def worst(self, most: int) -> list[str]:
        return self.failing[:most]

    def figures_of(self, name: str) -> tuple[Health, Stats] | None:
        self.looked += 1
        return Health(consecutive_failures=3 if name in self.failing else 0), Stats()


def directory(webhooks: Mapping[str, str]) -> Directory:
    """With these webhooks, each of a tenant."""
    made = Directory()
    for offset, (name, tenant) in enumerate(webhooks.items()):
        of = subscription(name, tenant=tenant)
        made.apply(
            Record(
                topic="subscriptions",
                partition=0,
                offset=offset,
                key=name.encode(),
                value=record.encode(of),
                headers=(),
                timestamp_ms=NOW_MS,
            )
        )
    return made


def told(known: Known, webhooks: Mapping[str, str], *, worst: int = 0, tenants: tuple[str, ...] = ()) -> Reading:
    settings = Settings().model_copy(update={"metrics_webhooks": worst, "metrics_tenants": tenants})
    figures = WebhookFigures(settings, known, directory(webhooks), lambda: NOW_MS)
    figures.look()
    reading = Reading("log")
    figures.tell(reading)
    return reading


def names(reading: Reading) -> list[tuple[str, str]]:
    found = [(labels[0], labels[1]) for _, labels, _ in reading.snapshot(()).webhooks]
    return list(dict.fromkeys(found))


WEBHOOKS = {"wh_1": "acme", "wh_2": "acme", "wh_3": "globex", "wh_4": "initech"}


def test_nothing_is_told_unless_it_is_wanted_and_nothing_is_looked_at() -> None:
    known = Known("wh_1")
    assert names(told(known, WEBHOOKS)) == []
    assert known.looked == 0


def test_told_are_the_worst_and_those_of_the_tenants_that_were_named() -> None:
    known = Known("wh_3", "wh_gone", "wh_1", "wh_2")
    assert names(told(known, WEBHOOKS, worst=3)) == [("globex", "wh_3"), ("acme", "wh_1")]
    assert names(told(known, WEBHOOKS, tenants=("acme", "nobody"))) == [("acme", "wh_1"), ("acme", "wh_2")]
    both = names(told(known, WEBHOOKS, worst=1, tenants=("globex", "initech")))
    assert both == [("globex", "wh_3"), ("initech", "wh_4")]


@pytest.mark.parametrize("worst", [0, 1_000])
def test_however_many_a_tenant_creates_there_are_only_so_many(worst: int) -> None:
    many = {f"wh_{number}": "acme" for number in range(MOST_WEBHOOKS + 5)}
    reading = told(Known(*(list(many)[:worst])), many, worst=worst, tenants=("acme",))
    assert len(names(reading)) == MOST_WEBHOOKS


def test_they_are_on_a_path_of_their_own_and_nowhere_else() -> None:
    overview = Overview([LOG], {"version": "1", "python": "3", "librdkafka": "2"})
    overview.started(0.0, LOG, 7)
    overview.heard(1.0, LOG, 7, told(Known("wh_1"), {"wh_1": 'ac"me\n'}, worst=1).snapshot(()))
    answering = Answering(overview, lambda: 1.0)
    main = answering.answer(Asked(path="/metrics", accept="")).body.decode()
    assert "wh_1" not in main
    assert "hookline_webhook_" not in main
    assert "wh_1" not in answering.answer(Asked(path="/status", accept="")).body.decode()
    apart = answering.answer(Asked(path="/metrics/webhooks", accept=""))
    lines = apart.body.decode().splitlines()
    series = 'role="log",slot="0",tenant="ac\\"me\\n",webhook="wh_1"'
    assert f"hookline_webhook_consecutive_failures{{{series}}} 3" in lines
    assert f'hookline_webhook_attempts_of_day{{{series},outcome="failed"}} 0' in lines
    assert not [
        line for line in lines if line.removeprefix("# HELP ").removeprefix("# TYPE ")[:17] != "hookline_webhook_"
    ]
    openmetrics = answering.answer(Asked(path="/metrics/webhooks", accept="application/openmetrics-text"))
    assert openmetrics.body.decode().splitlines()[-1] == "# EOF"
    assert openmetrics.content_type != apart.content_type


def test_the_figures_of_one_that_ended_are_gone_after_a_minute() -> None:
    overview = Overview([LOG], {"version": "1", "python": "3", "librdkafka": "2"})
    overview.started(0.0, LOG, 7)
    overview.heard(1.0, LOG, 7, told(Known("wh_1"), WEBHOOKS, worst=1).snapshot(()))
    overview.ended(2.0, LOG, 0)
    assert overview.webhooks(61.0).values
    assert not overview.webhooks(63.0).values


def test_no_name_is_one_of_the_other_metrics() -> None:
    assert not {metric.name for metric in OF_WEBHOOKS} & {metric.name for metric in ALL}
    assert all(metric.help.endswith(".") and metric.labels[:2] == ("tenant", "webhook") for metric in OF_WEBHOOKS)
