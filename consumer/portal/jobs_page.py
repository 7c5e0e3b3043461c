"""Jobs: what is sent again, how far it is, and what may be done with it.

The law: a job is shown where its webhook is, and what may be wished of it is what the API takes.
"""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from consumer.api.job_refusals import of_resumption, of_start, of_wish
from consumer.api.jobs import Hinders, wished
from consumer.control.cursor import CursorInvalid, list_name
from consumer.control.keys import Scope
from consumer.control.work import Work
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import JobUnknown
from consumer.jobs.job import State, Wish
from consumer.portal.answering import Done, page, see
from consumer.portal.job_view import JobView, job_of, job_view
from consumer.portal.visit import Visit
from consumer.portal.words import words

ON_A_PAGE: Final = 20
_LOOKED_AT: Final = 100
_OF: Final = list_name("portal jobs", [])


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList:
    """A page of them."""

    rows: tuple[JobView, ...]
    first_url: str | None
    next_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """One. Of what may be done with it, where: None where it cannot be done now, or not by this session."""

    job: JobView
    list_url: str
    log_url: str
    pause: str | None
    resume: str | None
    start: str | None
    cancel: str | None


def show_list(visit: Visit) -> Response:
    """The newest first."""
    place = visit.query.get("cursor")
    try:
        after = visit.services.cursors.read(place, str, owner=visit.owner, of=_OF) if place else None
    except CursorInvalid:
        return see(visit.url("jobs"))
    found, then = _page(visit, after)
    answered = visit.services.jobs.answered([each.asked.id for each in found])
    views = (
        job_view(
            job_of(each, answered.get(each.asked.id), visit.now_ms),
            each.job.state,
            visit.webhook_if_any(each.asked.webhook),
            visit.url,
            visit.now_ms,
        )
        for each in found
    )
    next_url = None
    if then is not None:
        cursor = visit.services.cursors.write(then, owner=visit.owner, of=_OF)
        next_url = visit.url("jobs", [("cursor", cursor)])
    view = JobList(rows=tuple(views), first_url=visit.url("jobs") if place else None, next_url=next_url)
    return page(visit, "jobs.html", view, title=words().say("jobs.title"), tab="jobs")


def show(visit: Visit) -> Response:
    """One job."""
    known = job(visit, visit.params["job"])
    view, may = seen(visit, known), visit.may(Scope.REPLAY)
    state, base = known.job.state, f"jobs/{known.asked.id}"

    def where(so: bool, path: str) -> str | None:
        return visit.url(f"{base}/{path}") if may and so else None

    shown = JobPage(
        job=view,
        list_url=visit.url("jobs"),
        log_url=visit.url("log", [("job", known.asked.id)]),
        pause=where(state is State.RUNNING, "pause"),
        resume=where(state is State.PAUSED, "resume"),
        start=where(state is State.COUNTED, "start"),
        cancel=where(not known.job.ended, "cancel"),
    )
    return page(visit, "job.html", shown, title=words().say("job.title"), tab="jobs")


def start(visit: Visit, _work: Work) -> Done:
    """Send what was counted."""
    return _wished(visit, Wish.RUN, of_start)


def pause(visit: Visit, _work: Work) -> Done:
    """Send no more of it for now."""
    return _wished(visit, Wish.PAUSE, lambda job: of_wish(Wish.PAUSE, job))


def resume(visit: Visit, _work: Work) -> Done:
    """Go on with it."""
    return _wished(visit, Wish.RUN, of_resumption)


def cancel(visit: Visit, _work: Work) -> Done:
    """Send no more of it, ever."""
    return _wished(visit, Wish.CANCEL, lambda job: of_wish(Wish.CANCEL, job))


def job(visit: Visit, id_: str) -> AskedJob:
    """One of the session's jobs. Raises JobUnknown."""
    known = visit.services.jobs.get(visit.owner, id_)
    if visit.session.grant.product is not None and visit.webhook_if_any(known.asked.webhook) is None:
        raise JobUnknown(id_)
    return known


def seen(visit: Visit, known: AskedJob) -> JobView:
    """A job as this session sees it now."""
    answered = visit.services.jobs.answered([known.asked.id]).get(known.asked.id)
    told = job_of(known, answered, visit.now_ms)
    return job_view(told, known.job.state, visit.webhook_if_any(known.asked.webhook), visit.url, visit.now_ms)


def _wished(visit: Visit, wish: Wish, hinders: Hinders) -> Done:
    known = job(visit, visit.params["job"])
    wished(visit.services.jobs, known, wish, hinders)
    return Done(then=f"jobs/{known.asked.id}")


def _page(visit: Visit, after: str | None) -> tuple[list[AskedJob], str | None]:
    """So many of the session's, of those looked at; and the id to go on after."""
    part, then = visit.services.jobs.page(visit.owner, after=after, limit=_LOOKED_AT)
    narrowed = visit.narrowed()
    found: list[AskedJob] = []
    for number, each in enumerate(part, 1):
        if narrowed is None or each.asked.webhook in narrowed:
            found.append(each)
        if len(found) == ON_A_PAGE and (number < len(part) or then is not None):
            return found, each.asked.id
    return found, then
