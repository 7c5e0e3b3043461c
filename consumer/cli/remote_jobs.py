"""Jobs by way of the API, as a customer asks for them.

The law: what is said in a request is what was said in the command, no more.
"""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

from consumer.cli.api_client import ApiClient
from consumer.cli.job_port import Change, Pace, RecoveryWanted, ReplayWanted, Told, delivery_unknown, job_unknown
from consumer.cli.webhook_port import Shown
from consumer.control.refusal import WebhookUnknown
from consumer.jobs.job import State
from consumer.json import Json
from consumer.webhooks.wrong import FieldInvalid

# What the API calls otherwise than the flags do. Its list's members have a number behind a dot.
_FLAGS: Final = {"rate_per_s": "rate", "deliveries": "delivery", "types": "type"}
_INSIDE: Final = "filter."


class RemoteJobs:
    """The jobs of the tenant and brand that a key speaks for."""

    way: Final = " --api …"

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._webhooks = client.brand.api.base_path
        self._path = self._webhooks.rpartition("/")[0]

    def replay(self, webhook: str, wanted: ReplayWanted) -> Told:
        """See `JobPort`."""
        return self._asked(webhook, "replay", replay_body(wanted))

    def recover(self, webhook: str, wanted: RecoveryWanted) -> Told:
        """See `JobPort`."""
        return self._asked(webhook, "recover", recovery_body(wanted))

    def resend(self, delivery: str, *, webhook: str | None, again: bool) -> Told:
        """See `JobPort`."""
        body: dict[str, Json] = {"again": True} if again else {}
        return _told(lambda: self._resent(delivery, webhook, body))

    def resend_now(self, delivery: str, *, webhook: str | None, again: bool) -> Shown:
        """See `JobPort`."""
        return self._resent(delivery, webhook, {"now": True, **({"again": True} if again else {})})

    def listed(self, *, webhook: str | None, state: State | None) -> Iterator[Shown]:
        """See `JobPort`."""
        said = {"webhook": webhook, "state": state}
        return self._client.pages(f"{self._path}/jobs", {name: each for name, each in said.items() if each is not None})

    def show(self, job: str) -> Shown:
        """See `JobPort`."""
        return self._client.ask("GET", self._job(job), unknown=job_unknown(job))

    def change(self, job: str, change: Change) -> Told:
        """See `JobPort`."""
        path = f"{self._job(job)}/{change}"
        return _told(lambda: self._client.ask("POST", path, unknown=job_unknown(job)))

    def _job(self, job: str) -> str:
        return f"{self._path}/jobs/{quote(job, safe='')}"

    def _resent(self, delivery: str, webhook: str | None, body: dict[str, Json]) -> Shown:
        path = f"{self._path}/deliveries/{quote(delivery, safe='')}/resend"
        params = {} if webhook is None else {"webhook": webhook}
        return self._client.ask("POST", path, body, params=params, unknown=delivery_unknown(delivery))

    def _asked(self, webhook: str, what: str, body: dict[str, Json]) -> Told:
        path = f"{self._webhooks}/{quote(webhook, safe='')}/{what}"
        return _told(lambda: self._client.ask("POST", path, body, unknown=WebhookUnknown(webhook)))


def replay_body(wanted: ReplayWanted) -> dict[str, Json]:
    """The request's body: what was not said is not there."""
    body = _pace(wanted.pace)
    if wanted.position.value != "before":
        body["position"] = wanted.position.value
    if wanted.deliveries:
        return body | {"deliveries": [*wanted.deliveries]}
    said: dict[str, Json] = {
        "status": [*wanted.status],
        "code": [*wanted.code],
        "reason": [*wanted.reason],
        "type": [*wanted.type],
        "since": wanted.since,
        "until": wanted.until,
    }
    return body | {"filter": {name: each for name, each in said.items() if each}}


def recovery_body(wanted: RecoveryWanted) -> dict[str, Json]:
    """The request's body: what was not said is not there."""
    body = _pace(wanted.pace) | {"since": wanted.since}
    if wanted.until is not None:
        body["until"] = wanted.until
    return body | {"types": [*wanted.types]} if wanted.types else body


def _pace(pace: Pace) -> dict[str, Json]:
    said: dict[str, Json] = {"again": pace.again, "ratePerS": pace.rate_per_s, "dryRun": pace.dry_run}
    return {name: each for name, each in said.items() if each}


def _told(ask: Callable[[], Shown]) -> Told:
    try:
        return Told(job=ask())
    except FieldInvalid as error:
        raise error.renamed(_named) from None


def _named(field: str) -> str:
    name = field.removeprefix(_INSIDE).partition(".")[0]
    return _FLAGS.get(name, name)
