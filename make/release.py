"""`make release TAG=v0.1.0`: wheel, sdist, chart, SBOM and their checksums, in dist/v0.1.0.

Where cargo is, wheel and sdist of the native step are among them.

The law: what is released is what the tag names, and nothing of the checkout or the machine. All of it is made twice, in
two folders of two names, and is released only if every byte is the same. The image is made by who keeps the registry,
from the Dockerfile at the tag (CONTRIBUTING.md).
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from make.archives import tar_gz
from make.deploy_tools import PYTHON, install_packages
from make.native import missing
from make.native_release import NotBuilt, native_files, native_version

ROOT: Final = Path(__file__).resolve().parent.parent
_CHART: Final = Path("deploy") / "helm" / "hookline"
_REVISION: Final = Path("consumer") / "_revision"
SUMS: Final = "SHA256SUMS"


class NotReleased(Exception):  # noqa: N818 # it names what happened, as the glossary does
    """The message says why, to whoever asked for the release."""


def release(tag: str, into: Path, *, python: Path = PYTHON, native: bool) -> list[Path]:
    """Make everything that the tag (or another name of a commit) stands for, twice; the files.

    The native step is among it only where it is asked for.

    Raises:
        NotReleased: the tag is none, is not of this version, or the two did not come out the same.
    """
    commit = _git("rev-parse", "--verify", "--quiet", f"{tag}^{{commit}}").decode().strip()
    written_s = int(_git("log", "-1", "--format=%ct", commit))
    tree = _git("archive", "--format=tar", commit)
    with tempfile.TemporaryDirectory(prefix="hookline-release-") as place:
        made = []
        # A longer path, and files written later: neither may show.
        for name in ("one", "another-of-two"):
            folder = Path(place) / name / "hookline"
            folder.mkdir(parents=True)
            with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
                archive.extractall(folder, filter="data")
            made.append(_made(folder, tag, commit, written_s, python, native=native))
    first, second = made
    if differing := [name for name in sorted(first | second) if first.get(name) != second.get(name)]:
        raise NotReleased(f"made twice, these came out differently: {', '.join(differing)}")
    return _kept(into, first)


def check_version(tag: str, version: str) -> None:
    """A tag is v and the version; a commit by another name is no release, and may be built all the same.

    Raises:
        NotReleased: the tag is of another version.
    """
    if tag.startswith("v") and tag[1:2].isdigit() and tag != f"v{version}":
        raise NotReleased(f"the tag is {tag}, and pyproject.toml there says {version}")


def check_native(version: str, native: str, fast: list[str]) -> None:
    """The native step is of the same version, and `hookline[fast]` asks for that one: the two are tested together.

    Raises:
        NotReleased: it is not.
    """
    if native != version:
        raise NotReleased(f"native/Cargo.toml says {native}, and pyproject.toml {version}")
    if fast != [f"hookline-native=={version}"]:
        raise NotReleased(f"the extra fast asks for {', '.join(fast)}: it has to be hookline-native=={version}")


def chart(folder: Path) -> dict[str, bytes]:
    """What the chart's package holds, by path: all but what .helmignore leaves out."""
    ignored = [line for line in (folder / ".helmignore").read_text(encoding="utf-8").splitlines() if line]
    kept = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(_ignores(pattern, inside) for pattern in ignored):
            kept[f"hookline/{inside.as_posix()}"] = path.read_bytes()
    return kept


def checksums(files: Mapping[str, bytes]) -> str:
    """As `sha256sum --check` reads it."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def _ignores(pattern: str, inside: Path) -> bool:
    if pattern.endswith("/"):
        return pattern.rstrip("/") in inside.parts[:-1]
    return Path(inside.name).match(pattern)


def _made(folder: Path, tag: str, commit: str, written_s: int, python: Path, *, native: bool) -> dict[str, bytes]:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = cast("str", project["version"])
    check_version(tag, version)
    check_native(version, native_version(folder), project["optional-dependencies"]["fast"])
    (folder / _REVISION).write_text(commit)
    out = folder / "out"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(written_s), "PYTHONHASHSEED": "0", "TZ": "UTC"}
    for command in (
        ["-m", "hatchling", "build", "-d", "out"],
        ["-m", "cyclonedx_py", "requirements", "requirements-image.lock", *_SBOM],
    ):
        done = subprocess.run([python, *command], cwd=folder, env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise NotReleased((done.stderr or done.stdout).decode(errors="replace").strip())
    sbom = folder / "sbom.json"
    files = {path.name: path.read_bytes() for path in out.iterdir()}
    files[f"hookline-chart-{version}.tgz"] = tar_gz(chart(folder / _CHART), written_s)
    files[f"hookline-{version}.cdx.json"] = _named(sbom.read_bytes(), version)
    if native:
        try:
            files |= native_files(folder, environment)
        except NotBuilt as error:
            raise NotReleased(str(error)) from None
    return files


_SBOM: Final = ("--output-reproducible", "--of", "JSON", "-o", "sbom.json", "--pyproject", "pyproject.toml")


def _named(sbom: bytes, version: str) -> bytes:
    """The SBOM, which has to name whose it is."""
    told = json.loads(sbom)
    component = told["metadata"]["component"]
    if (component["name"], component["version"]) != ("hookline", version):
        raise NotReleased("the SBOM is of something else")
    return sbom


def _kept(into: Path, files: Mapping[str, bytes]) -> list[Path]:
    into.mkdir(parents=True, exist_ok=True)
    all_of_it = {**files, SUMS: checksums(files).encode()}
    for name, content in all_of_it.items():
        (into / name).write_bytes(content)
    return [into / name for name in sorted(all_of_it)]


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise NotReleased(f"git knows no such tag or commit ({' '.join(arguments[:2])})")
    return done.stdout


def main() -> None:
    """Release what the argument names."""
    if len(sys.argv) != len(["program", "tag"]) or not sys.argv[1]:
        sys.exit("release: which tag? make release TAG=v0.1.0")
    install_packages()
    why = missing()
    try:
        files = release(sys.argv[1], ROOT / "dist" / sys.argv[1], native=why is None)
    except NotReleased as error:
        sys.exit(f"release: {error}")
    for path in files:
        print(path.relative_to(ROOT))
    if why is not None:
        print(
            f"release: {why}, so hookline-native is not among the files, and pip install hookline[fast] would not find "
            "it: make the release where cargo is before you publish it"
        )


if __name__ == "__main__":
    main()
