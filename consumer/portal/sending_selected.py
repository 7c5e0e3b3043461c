"""Deliveries that were selected in a list, sent again: one job for each webhook.

The laws:
- a session sends its own deliveries alone, each to its own webhook, SELECTED_MOST at once;
- however many webhooks they are of, the log and the dead letters are looked through once;
- what is not sent is told, with the reason; a form that comes again asks for the same jobs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from consumer.api.chosen_deliveries import found
from consumer.api.job_asking import JobAsker, Wanted
from consumer.api.problem import Refusal
from consumer.control.work import Work
from consumer.jobs.job import Chosen, Kind, Spot
from consumer.portal import logs
from consumer.portal.answering import Done, page
from consumer.portal.names import Named, named
from consumer.portal.visit import Visit
from consumer.portal.words import words
from consumer.webhooks.subscription import Status, Subscription

SELECTED_MOST: Final = 100
_CHECKED: Final = "1"
_ID_BYTES: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of one webhook's. `key` says why they were not sent, where they were not."""

    webhook: Named | None
    webhook_id: str
    number: int
    job_url: str | None
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentView:
    """The page."""

    rows: tuple[Sent, ...]
    log_url: str


def send(visit: Visit, work: Work) -> Done | Response:
    """Send them again."""
    selected = _selected(visit)
    number = sum(map(len, selected.values()))
    if not 0 < number <= SELECTED_MOST:
        message = words().say("selected.none" if not number else "selected.many", most=SELECTED_MOST)
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, message)
    rows = tuple(_sent(visit, work, each) for each in _looked_for(visit, selected))
    jobs = [row.job_url for row in rows if row.job_url is not None]
    if len(rows) == len(jobs) == 1:
        return Done(then=jobs[0])
    shown = tuple(replace(row, job_url=None if row.job_url is None else visit.url(row.job_url)) for row in rows)
    view = SentView(rows=shown, log_url=visit.url("log"))
    answer = page(visit, "sent.html", view, title=words().say("selected.title"), tab="jobs")
    return Done(then="jobs", answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Those of one webhook: None, it was deleted. `spots` are where those lie that there are."""

    id: str
    webhook: Subscription | None
    number: int
    spots: tuple[Spot, ...] = ()


def _selected(visit: Visit) -> Mapping[str, Sequence[str]]:
    """The deliveries' ids by their webhooks."""
    chosen: dict[str, dict[str, None]] = {}
    for each in visit.form.all("delivery"):
        webhook, _, delivery = each.partition("/")
        chosen.setdefault(webhook, {})[delivery] = None
    return {webhook: list(ids) for webhook, ids in chosen.items()}


def _looked_for(visit: Visit, selected: Mapping[str, Sequence[str]]) -> Sequence[_Group]:
    """Where they lie: one look for all of them."""
    known = logs.known(visit, selected)
    wanted = [id_ for webhook, ids in selected.items() if webhook in known for id_ in ids]
    there = found(visit.services, visit.owner, wanted, frozenset(known))
    return [
        _Group(
            id=webhook,
            webhook=known.get(webhook),
            number=len(ids),
            spots=tuple(
                one.spot
                for one in (there.get(id_) for id_ in ids)
                if one is not None and one.webhook == webhook and not one.left_out
            ),
        )
        for webhook, ids in selected.items()
    ]


def _sent(visit: Visit, work: Work, group: _Group) -> Sent:
    """One webhook's. `job_url` is the path of its job yet."""
    unsent = Sent(webhook=None, webhook_id=group.id, number=group.number, job_url=None, key="selected.deleted")
    webhook = group.webhook
    if webhook is None:
        return unsent
    unsent = replace(unsent, webhook=named(webhook))
    if webhook.status is not Status.ACTIVE:
        return replace(unsent, key=f"hindered.webhook_{webhook.status}")
    if not group.spots:
        return replace(unsent, key="selected.gone")
    asker = JobAsker(services=visit.services, caller=visit.caller, work=_work_of(work, webhook.id))
    wanted = Wanted(
        webhook=webhook.id,
        kind=Kind.RESEND,
        subject=Chosen(spots=group.spots),
        again=visit.form.get("again") == _CHECKED,
    )
    try:
        known = asker.made_before() or asker.ask(wanted)
    except Refusal as refusal:
        return replace(unsent, key=f"hindered.{refusal.code}")
    return replace(unsent, number=len(group.spots), key=None, job_url=f"jobs/{known.asked.id}")


def _work_of(work: Work, webhook: str) -> Work:
    """A job of its own for each webhook, the same in every try."""
    return replace(work, name=blake2b(f"{work.name} {webhook}".encode(), digest_size=_ID_BYTES).hexdigest())
