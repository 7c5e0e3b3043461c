"""A release of what is committed, made twice: the chart is one that Helm takes, the wheel is one that runs."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import cast

import pytest

from make.deploy_tools import PYTHON
from make.native import missing
from make.release import SUMS, release
from tests.deploy.chart import run
from tests.markdown import ROOT

pytestmark = pytest.mark.deploy
NATIVE = missing() is None


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Raises where a byte differs."""
    files = release("HEAD", tmp_path_factory.mktemp("dist"), native=NATIVE)
    return {path.name.partition("-0")[0] + path.suffix: path for path in files}


def test_all_of_it_is_there_with_its_checksum(made: dict[str, Path]) -> None:
    native = {"hookline_native.whl", "hookline_native.gz"} if NATIVE else set()
    files = {"hookline.whl", "hookline.gz", "hookline-chart.tgz", "hookline.json"} | native
    assert {*made} == {*files, SUMS}
    checked = subprocess.run(["sha256sum", "--check", SUMS], cwd=made[SUMS].parent, capture_output=True, check=False)
    assert checked.stdout.count(b": OK") == len(files)


@pytest.mark.skipif(not NATIVE, reason="the native step is built where cargo is")
def test_the_native_step_is_for_every_python_and_holds_nothing_of_this_machine(
    made: dict[str, Path], tmp_path: Path
) -> None:
    wheel = made["hookline_native.whl"]
    assert "-cp311-abi3-manylinux" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert not {each for each in (b"/tmp/", str(Path.home()).encode() + b"/") if each in content}, name
        archive.extractall(tmp_path)
    asked = "import hookline_native; print(hookline_native.Engine.__name__)"
    command = [sys.executable, "-P", "-c", asked]
    said = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True).stdout
    assert said == "Engine\n"
    with tarfile.open(made["hookline_native.gz"]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Cargo.lock", "Cargo.toml", "src/lib.rs", "http/src/lib.rs", "delivery/src/lib.rs"} <= {
        name.removeprefix("native/") for name in inside
    }


def test_the_wheel_runs_and_knows_its_commit(made: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(made["hookline.whl"]) as wheel:
        wheel.extractall(tmp_path)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    command = [sys.executable, "-P", "-m", "consumer.cli.app", "--version"]
    said = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True).stdout
    assert f"(revision {commit[:12]}, Python " in said


def test_whoever_builds_from_the_sdist_has_the_same_wheel(made: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(made["hookline.gz"]) as archive:
        archive.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    written = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": written.stdout.strip()}
    build = [str(PYTHON), "-m", "hatchling", "build", "-t", "wheel", "-d", "out"]
    subprocess.run(build, cwd=folder, env=environment, capture_output=True, check=True)
    [wheel] = (folder / "out").iterdir()
    assert wheel.read_bytes() == made["hookline.whl"].read_bytes()


def test_helm_takes_the_chart(made: dict[str, Path]) -> None:
    assert "appVersion: 0.1.0" in run("show", "chart", str(made["hookline-chart.tgz"]))


def test_the_sbom_names_what_the_image_has_and_nothing_of_this_machine(made: dict[str, Path]) -> None:
    text = made["hookline.json"].read_text(encoding="utf-8")
    told = json.loads(text)
    names = {cast("str", each["name"]) for each in told["components"]}
    assert told["bomFormat"] == "CycloneDX"
    assert {"confluent-kafka", "pycurl", "cryptography"} <= names
    assert "lupa" not in names
    assert "/tmp" not in text
