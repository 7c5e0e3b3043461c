"""The demo needs a folder for temporary files, and says so."""

import tempfile
import threading

import pytest

from consumer.demo import run
from consumer.settings import ConfigurationError


def test_that_there_is_no_folder_for_temporary_files_is_told_as_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a read-only root without /tmp."""

    def none(**_: object) -> object:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", none)
    with pytest.raises(ConfigurationError) as told:
        run.run(1.0)
    assert told.value.field == "TMPDIR"
    assert "No usable temporary directory found" in str(told.value)
    last_resorts = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
    assert all(each.finished.is_set() for each in last_resorts), "it would end whoever ran the demo"
