"""What a role's process leaves out is not there while others look for it, and is there for whoever wants it later."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.roles.left_out import left_out

MODULE = "this_is_left_out"


def test_it_is_absent_within_and_there_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{MODULE}.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError), left_out(MODULE):
        importlib.import_module(MODULE)
    module = importlib.import_module(MODULE)
    with left_out(MODULE):
        assert importlib.import_module(MODULE) is module
    assert sys.modules.pop(MODULE) is module


def test_neither_redis_nor_structlog_brings_what_no_role_needs() -> None:
    looked = (
        "import sys\n"
        "from consumer.roles.left_out import left_out\n"
        "with left_out('rich', 'opentelemetry'):\n"
        "    import redis, structlog\n"
        "print(sorted({each.partition('.')[0] for each in sys.modules} & {'rich', 'pygments', 'opentelemetry'}))\n"
    )
    found = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
