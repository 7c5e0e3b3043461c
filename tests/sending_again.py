"""A room for tests of sending again by the API: a webhook, deliveries that the log lists, and how refusals read."""

from httpx2 import Response

from consumer.api.job_refusals import SAID, Hindrance
from consumer.jobs.conduct import AskedJob
from tests.attempts import plain
from tests.memory_api import MemoryApi

NOBODYS = "ab" * 16
"""The id of no delivery."""


def errors(answer: Response) -> dict[str, str]:
    """The fields that were refused, and why."""
    assert answer.status_code == 422, answer.text
    return {each["field"]: each["code"] for each in answer.json()["errors"]}


def conflict(answer: Response) -> tuple[str, str | None]:
    """What stands in the way, and the job that does."""
    told = answer.json()
    assert answer.status_code == 409, answer.text
    assert told["detail"] == SAID[Hindrance(told["code"])]
    return told["code"], told.get("job")


def only(api: MemoryApi) -> AskedJob:
    """The one job there is."""
    [known] = api.jobs.known.values()
    return known


def listed(api: MemoryApi, webhook: str, **changed: object) -> str:
    """A delivery that the log lists. Returns its id."""
    name = api.log.add(plain, subscription_id=webhook, **{"status": 503, "outcome": "dead", **changed})
    return api.log.attempts[int(name.split("_")[2])].delivery_id
