"""The native step as it is released: a wheel for this machine's platform, and the sdist for all others.

The law: nothing of the machine or of the checkout is in it. A Rust compiler writes paths into what it makes: they are
replaced, and symbols that nobody links to are left out. It also orders what it makes by the place of the sources, so
they are always built at the same one.
"""

import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from make.native import BIN

_FLAGS_BETWEEN: Final = "\x1f"


class NotBuilt(Exception):  # noqa: N818 # it names what happened, as the glossary does
    """The message is the builder's own."""


def native_version(folder: Path) -> str:
    """Of the sources in this checkout."""
    cargo = tomllib.loads((folder / "native" / "Cargo.toml").read_text(encoding="utf-8"))
    return cast("str", cargo["workspace"]["package"]["version"])


def native_files(folder: Path, environment: Mapping[str, str]) -> dict[str, bytes]:
    """Wheel and sdist of the sources in this checkout, by their names.

    Raises:
        NotBuilt: they cannot be built, or another release is being made on this machine.
    """
    with _place() as place:
        return _built(Path(shutil.copytree(folder / "native", place / "native")), place, environment)


@contextmanager
def _place() -> Iterator[Path]:
    place = Path(tempfile.gettempdir()) / "hookline-native-release"
    try:
        place.mkdir()
    except FileExistsError:
        raise NotBuilt(f"{place} is there: another release is being made; if none is, remove it") from None
    try:
        yield place
    finally:
        shutil.rmtree(place)


def _built(sources: Path, place: Path, environment: Mapping[str, str]) -> dict[str, bytes]:
    out, target = place / "out", place / "target"
    cargo_home = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    remapped = {str(target): "/target", str(place): "/hookline", cargo_home: "/cargo"}
    flags = [f"--remap-path-prefix={path}={name}" for path, name in remapped.items()]
    maturin = [str(BIN / "maturin"), "build", "--quiet", "--release", "--locked", "--sdist"]
    where = ["--interpreter", str(BIN / "python"), "--manifest-path", str(sources / "Cargo.toml"), "--out", str(out)]
    built = subprocess.run(
        [*maturin, *where],
        cwd=sources,
        env={
            **environment,
            "CARGO_TARGET_DIR": str(target),
            "CARGO_ENCODED_RUSTFLAGS": _FLAGS_BETWEEN.join(flags),
            "CARGO_PROFILE_RELEASE_STRIP": "symbols",
        },
        capture_output=True,
        check=False,
    )
    if built.returncode != 0:
        raise NotBuilt((built.stderr or built.stdout).decode(errors="replace").strip())
    return {path.name: path.read_bytes() for path in out.iterdir()}
