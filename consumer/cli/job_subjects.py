"""Which deliveries a command's flags mean, as a job's subject. Pure.

The law: flags that cannot be are refused under their own names, by the same rules as the API's members.
"""

from typing import Final

from consumer.api import job_subjects
from consumer.api.job_models import Recovery, ReplayFilter
from consumer.cli.job_port import RecoveryWanted, ReplayWanted
from consumer.jobs.job import Matching, Missed
from consumer.webhooks.wrong import Code, FieldInvalid, invalid

_MOST_VALUES: Final = 50


def matching_of(wanted: ReplayWanted, now_ms: int) -> Matching:
    """Which deliveries are meant. Raises FieldInvalid: of all that cannot be."""
    said = {"code": [*wanted.code], "reason": [*wanted.reason], "type": [*wanted.type]}
    for name, values in said.items():
        if len(values) > _MOST_VALUES:
            raise invalid(name, Code.TOO_MANY, f"is given more than {_MOST_VALUES} times")
    status = {"status": [*wanted.status]} if wanted.status else {}
    asked = ReplayFilter.model_validate(said | status | {"since": wanted.since, "until": wanted.until})
    return job_subjects.matching_of(asked, now_ms)


def missed_of(wanted: RecoveryWanted, now_ms: int) -> Missed:
    """What is to be recovered. Raises FieldInvalid: of all that cannot be."""
    types = [*wanted.types] or None
    if len(wanted.types) > _MOST_VALUES:
        raise invalid("type", Code.TOO_MANY, f"is given more than {_MOST_VALUES} times")
    asked = Recovery.model_validate({"since": wanted.since, "until": wanted.until, "types": types})
    try:
        return job_subjects.missed_of(asked, now_ms)
    except FieldInvalid as error:
        raise error.renamed(lambda field: "type" if field == "types" else field) from None
