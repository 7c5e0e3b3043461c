"""The routes of jobs: a customer's own, listed, looked at, and set going, paused or canceled.

The law: a job is the caller's when it was asked for by its tenant under its brand; there are no others here.
"""

from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from fastapi import Path, Query
from starlette.responses import Response

from consumer.api import answers
from consumer.api.call import needs
from consumer.api.documents import problems
from consumer.api.job_models import Job as JobModel
from consumer.api.job_models import JobQuery
from consumer.api.job_refusals import Hindrance, conflict, of_resumption, of_start, of_wish
from consumer.api.moments import now_ms
from consumer.api.problem import Refusal
from consumer.api.site import Asking, Site
from consumer.control.cursor import list_name
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import Desk
from consumer.jobs.job import Job, Reason, State, Wish
from consumer.jobs.resource import shown
from consumer.json import Json

JobId = Annotated[str, Path(description="The job's id.", max_length=256)]
TAGS: Final = ["jobs"]
LOOKED_AT_MOST: Final = 1_000
"""Jobs that one page looks at."""
_LOOKED_AT: Final = 100  # at a time
Hinders: TypeAlias = Callable[[Job], Refusal | None]
"""Why a job cannot become what is wished, if it cannot."""


def add_jobs(site: Site) -> None:
    """Add them beside the brand's webhooks."""
    _add_list(site)
    _add_get(site)
    _add_wish(site, "start", "Start a job that was counted", Wish.RUN, of_start)
    _add_wish(site, "pause", "Pause a job: what it has sent goes on", Wish.PAUSE, _of(Wish.PAUSE))
    _add_wish(site, "resume", "Let a paused job go on", Wish.RUN, of_resumption)
    _add_wish(site, "cancel", "Cancel a job: what it has sent goes on", Wish.CANCEL, _of(Wish.CANCEL))


def job_told(site: Site, known: AskedJob) -> Json:
    """A job as it is answered."""
    return shown(known, site.services.jobs.answered([known.asked.id]).get(known.asked.id), now_ms())


def _add_list(site: Site) -> None:
    services = site.services

    @site.app.get(
        site.prefix + "/jobs",
        operation_id="listJobs",
        summary="List jobs, the newest first",
        description="Where some are chosen a page looks at 1,000 jobs at most: it may be empty while there is a "
        "nextCursor. A job is kept for 7 days after its end; of a tenant's, the latest 10,000.",
        tags=[*TAGS],
        response_model=site.shapes.page(JobModel),
        responses=problems(422),
        openapi_extra=needs(Scope.READ),
    )
    def list_jobs(call: Asking, asked: Annotated[JobQuery, Query()]) -> Response:
        owner, cursor = call.caller.owner, asked.cursor
        of = list_name("jobs", [asked.webhook, asked.state])
        after = None if cursor is None else services.cursors.read(cursor, str, owner=owner, of=of)
        found, end = _page(services.jobs, owner, asked, after)
        answered = services.jobs.answered([each.asked.id for each in found])
        at_ms = now_ms()
        told: list[Json] = [shown(each, answered.get(each.asked.id), at_ms) for each in found]
        then = None if end is None else services.cursors.write(end, owner=owner, of=of)
        return answers.response(answers.page(site.brand, told, then))


def _page(jobs: Desk, owner: Owner, asked: JobQuery, after: str | None) -> tuple[list[AskedJob], str | None]:
    """Those that are meant, and the id to go on after; None at the end."""
    found: list[AskedJob] = []
    for _ in range(LOOKED_AT_MOST // _LOOKED_AT):
        part, then = jobs.page(owner, after=after, limit=_LOOKED_AT)
        for number, each in enumerate(part, 1):
            if asked.webhook in {None, each.asked.webhook} and asked.state in {None, each.job.state.value}:
                found.append(each)
            if len(found) == asked.limit:
                return found, each.asked.id if then is not None or number < len(part) else None
        if then is None:
            return found, None
        after = then
    return found, after


def _add_get(site: Site) -> None:
    jobs = site.services.jobs

    @site.app.get(
        site.prefix + "/jobs/{id}",
        operation_id="getJob",
        summary="Show how far a job is",
        tags=[*TAGS],
        response_model=site.shapes.one(JobModel),
        responses=problems(404),
        openapi_extra=needs(Scope.READ),
    )
    def get_job(call: Asking, id: JobId) -> Response:  # noqa: A002 # the path's own word
        return answers.response(answers.one(site.brand, job_told(site, jobs.get(call.caller.owner, id))))


def _add_wish(site: Site, name: str, summary: str, wish: Wish, hinders: Hinders) -> None:
    jobs = site.services.jobs

    @site.app.post(
        f"{site.prefix}/jobs/{{id}}/{name}",
        operation_id=f"{name}Job",
        summary=summary,
        tags=[*TAGS],
        response_model=site.shapes.one(JobModel),
        responses=problems(404, 409, 422),
        openapi_extra=needs(Scope.REPLAY),
    )
    def change_job(call: Asking, id: JobId) -> Response:  # noqa: A002 # same
        known = wished(jobs, jobs.get(call.caller.owner, id), wish, hinders)
        return answers.response(answers.one(site.brand, job_told(site, known)))


def wished(jobs: Desk, known: AskedJob, wish: Wish, hinders: Hinders) -> AskedJob:
    """The job as the wish made it.

    Raises:
        Refusal: 409, it cannot become that.
        NobodyRuns, KafkaBroken: see `Desk.wish`.
    """
    if (refusal := hinders(known.job)) is not None:
        raise refusal
    if _is_so(wish, known.job):
        return known
    known = jobs.wish(known.asked.owner, known.asked.id, wish)
    if (late := _too_late(wish, known.job)) is not None:
        raise late
    return known


def _of(wish: Wish) -> Hinders:
    return lambda job: of_wish(wish, job)


def _is_so(wish: Wish, job: Job) -> bool:
    """Whether it is already what is wished: nothing needs be written then."""
    so = {Wish.RUN: State.RUNNING, Wish.PAUSE: State.PAUSED, Wish.CANCEL: State.CANCELED}
    return so.get(wish) is job.state


def _too_late(wish: Wish, job: Job) -> Refusal | None:
    """Why a wish that was heard changed nothing: the job ended before, or another one runs."""
    if wish is Wish.RUN:
        hindered = job.state is State.COUNTED and job.reason is Reason.ONE_RUNNING
        return conflict(Hindrance.ONE_RUNNING, job=job.other) if hindered else None
    return of_wish(wish, job)
