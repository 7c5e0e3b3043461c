"""What is said when a job that ran here was stopped: the exit code of an interruption, and how to go on."""

import pytest

from consumer.cli.exits import INTERRUPTED
from consumer.cli.job_port import Told
from consumer.cli.job_view import ended, followed
from tests.unit.cli.test_direct_jobs import Installation, port


def test_a_job_that_was_stopped_here_is_printed_and_told_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = port(Installation())
    told = Told(job={"id": "job_1", "state": "running"}, stopped=True)
    assert followed(jobs, told) is told
    assert ended(jobs, told, as_json=True) == INTERRUPTED
    out, err = capsys.readouterr()
    assert out == '{"id":"job_1","state":"running"}\n'
    assert "`hookline jobs resume job_1 --tenant acme`" in err
    assert "`hookline jobs cancel job_1 --tenant acme`" in err
