"""Which Hookline this is, as a report of a fault has to say it."""

import re
from pathlib import Path

import pytest

from consumer.telemetry import release
from tests.commands import call


def test_the_version_comes_with_what_it_runs_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--version"]) == 0
    said = capsys.readouterr().out.strip()
    assert re.fullmatch(
        r"hookline \S.* \((revision [0-9a-f]{12}, )?Python 3\.\d+\.\S+, librdkafka \d+\.\d+\.\d+\S*\)", said
    )


def test_a_build_knows_its_commit_and_a_checkout_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "files", lambda _: tmp_path)
    assert release.revision() is None
    assert "revision" not in release.build()
    (tmp_path / "_revision").write_text("0123456789abcdef0123456789abcdef01234567\n")
    assert "(revision 0123456789ab, " in release.build()
