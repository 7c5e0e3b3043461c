import os

import pytest

from consumer.settings import MOST_PROCESSES
from tests.commands import call


@pytest.mark.parametrize("number", [0, -1, MOST_PROCESSES + 1])
def test_a_number_of_processes_that_cannot_be_meant_is_refused(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["run", "deliver", f"--processes={number}"]) == os.EX_USAGE
    assert capsys.readouterr().err == f"hookline: --processes is a number from 1 to {MOST_PROCESSES}\n"
