"""What the commands say of jobs is what the API takes, and what it answers is what they expect."""

import pytest

from consumer.cli.exits import CommandFailed
from consumer.cli.job_port import Change, Pace, RecoveryWanted, ReplayWanted
from consumer.cli.remote_jobs import RemoteJobs
from consumer.jobs.job import State
from consumer.webhooks.wrong import FieldInvalid
from tests.memory_api import MemoryApi
from tests.over_api import speaking


def test_jobs_are_asked_for_listed_and_changed() -> None:
    api = MemoryApi()
    webhook = str(api.webhook(api.client())["id"])
    with speaking(api) as client:
        jobs = RemoteJobs(client)
        counted = jobs.replay(webhook, ReplayWanted(code=("5xx",), since="2h", pace=Pace(dry_run=True, rate_per_s=9)))
        assert (counted.job["state"], counted.job["ratePerS"]) == ("counted", 9)
        started = jobs.change(str(counted.job["id"]), Change.START)
        assert started.job["state"] == "done"
        recovered = jobs.recover(webhook, RecoveryWanted(since="2h", types=("a.*",)))
        assert [each["id"] for each in jobs.listed(webhook=webhook, state=State.DONE)] == [
            recovered.job["id"],
            started.job["id"],
        ]
        assert jobs.show(str(started.job["id"]))["kind"] == "replay"
        with pytest.raises(CommandFailed, match="has ended"):
            jobs.change(str(started.job["id"]), Change.PAUSE)
        with pytest.raises(CommandFailed, match="no job job_9"):
            jobs.show("job_9")
        with pytest.raises(CommandFailed, match="no delivery"):
            jobs.resend("0" * 32, webhook=None, again=False)


def test_what_the_api_refuses_is_told_by_the_flag() -> None:
    api = MemoryApi()
    webhook = str(api.webhook(api.client())["id"])
    with speaking(api) as client:
        with pytest.raises(FieldInvalid) as refused:
            RemoteJobs(client).replay(webhook, ReplayWanted(code=("nope",), type=("a*b",), since="nope"))
        assert {each.field for each in refused.value.wrong} == {"code", "type", "since"}
        with pytest.raises(FieldInvalid) as refused:
            RemoteJobs(client).replay(webhook, ReplayWanted(deliveries=("0" * 32,)))
        assert [each.field for each in refused.value.wrong] == ["delivery"]
