"""`make release`, but for what it has others do: the same bytes each time, and no release under a wrong name."""

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import threading
import time
import tomllib
from pathlib import Path

import pytest

from make.archives import tar_gz
from make.chart import CHART
from make.native_release import NotBuilt, native_version, turn_at
from make.release import NotReleased, chart, check_native, check_version, checksums
from tests.markdown import ROOT


def test_an_archive_is_the_same_whenever_it_is_made() -> None:
    first = tar_gz({"b": b"2", "a/c": b"1"}, 1_700_000_000)
    time.sleep(1.1)  # gzip dates itself by the second
    assert tar_gz({"a/c": b"1", "b": b"2"}, 1_700_000_000) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert [(entry.name, entry.mtime, entry.mode, entry.uid) for entry in archive] == [
            ("a/c", 1_700_000_000, 0o644, 0),
            ("b", 1_700_000_000, 0o644, 0),
        ]


def test_the_charts_package_holds_what_helm_needs_and_not_what_tests_do() -> None:
    packed = chart(CHART)
    assert {path.split("/")[0] for path in packed} == {"hookline"}
    assert {"hookline/Chart.yaml", "hookline/values.yaml", "hookline/values.schema.json"} < {*packed}
    assert {"hookline/files/hookline.rules.yml", "hookline/templates/tests/api.yaml"} < {*packed}
    assert [path for path in packed if path.startswith("hookline/ci/") or path.split("/")[-1].startswith(".")] == []


def test_checksums_are_what_sha256sum_reads(tmp_path: Path) -> None:
    files = {"hookline.whl": b"wheel", "a.tgz": b"chart"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    said = checksums(files)
    assert said.splitlines()[0] == f"{hashlib.sha256(b'chart').hexdigest()}  a.tgz"
    (tmp_path / "SHA256SUMS").write_text(said)
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True, check=False)
    assert checked.returncode == 0


def test_a_tag_is_of_the_version_that_it_names() -> None:
    check_version("v0.1.0", "0.1.0")
    check_version("HEAD", "0.1.0")
    with pytest.raises(NotReleased, match=r"the tag is v0\.2\.0, and pyproject\.toml there says 0\.1\.0"):
        check_version("v0.2.0", "0.1.0")


def test_the_native_step_is_released_with_the_version_that_asks_for_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    check_native(project["version"], native_version(ROOT), project["optional-dependencies"]["fast"])
    with pytest.raises(NotReleased, match=r"native/Cargo\.toml says 0\.1\.0, and pyproject\.toml 0\.2\.0"):
        check_native("0.2.0", "0.1.0", ["hookline-native==0.2.0"])
    with pytest.raises(NotReleased, match=r"asks for hookline-native: it has to be hookline-native==0\.1\.0"):
        check_native("0.1.0", "0.1.0", ["hookline-native"])


def test_the_image_has_what_the_lock_of_the_image_names_and_nothing_of_the_demo() -> None:
    locks = {
        name: {*re.findall(r"^([a-z0-9-]+)==", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)}
        for name in ("requirements.lock", "requirements-image.lock")
    }
    assert locks["requirements-image.lock"] < locks["requirements.lock"]
    left_out = locks["requirements.lock"] - locks["requirements-image.lock"]
    assert {"fakeredis", "lupa", "hatchling", "editables"} <= left_out
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "/opt/hookline/bin/python install --require-hashes -r requirements-image.lock\n" in dockerfile
    assert "\n!requirements-image.lock\n" in (ROOT / ".dockerignore").read_text(encoding="utf-8")


def test_both_locks_agree_on_every_version() -> None:
    pinned = [
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-image.lock")
    ]
    assert {name: version for name, version in pinned[1].items() if pinned[0][name] != version} == {}


_BUILDS = """
import sys, time
from pathlib import Path
from make.native_release import turn_at

with turn_at(Path(sys.argv[1])) as place:
    (place / "native").mkdir()
    print("builds", flush=True)
    time.sleep(60)
"""


def test_a_release_waits_for_another_and_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    place, entered = tmp_path / "place", threading.Event()

    def builds() -> None:
        with turn_at(place) as ours:
            assert list(ours.iterdir()) == []
            entered.set()

    with subprocess.Popen([sys.executable, "-c", _BUILDS, place], cwd=ROOT, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"builds\n"
            waiting = threading.Thread(target=builds)
            waiting.start()
            assert not entered.wait(0.3)
            assert [each.name for each in place.iterdir()] == ["native"]
        finally:
            other.kill()
        waiting.join(10)
    assert entered.is_set()


def test_nobody_builds_where_another_user_can_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(NotBuilt, match="belongs to another user"), turn_at(tmp_path / "place"):
        raise AssertionError("it was ours")
