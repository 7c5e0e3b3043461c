"""What tests need beside Python is named when it is missing."""

from pathlib import Path

import pytest

from tests.services import needs


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder of the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def has(folder: Path, program: str) -> None:
    (folder / program).write_text("#!/bin/sh\n")
    (folder / program).chmod(0o755)


def test_what_is_missing_is_named_with_how_to_get_it(nowhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert needs.main(["--browser"]) == 1
    said = capsys.readouterr().err
    assert "not found: redis-server, java, mvn, chromium." in said
    assert "apt-get install redis-server default-jre-headless maven chromium" in said
    for program in ("redis-server", "java", "mvn"):
        has(nowhere, program)
    assert needs.main([]) == 0
    assert needs.main(["--browser"]) == 1
    assert "not found: chromium." in capsys.readouterr().err


@pytest.mark.parametrize("name", needs.BROWSERS)
def test_a_browser_goes_by_several_names(nowhere: Path, name: str) -> None:
    assert needs.find_browser() is None
    has(nowhere, name)
    assert needs.find_browser() == str(nowhere / name)
