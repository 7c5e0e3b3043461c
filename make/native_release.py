"""The native step as it is released: a wheel for this machine's platform, and the sdist for all others.

The law: nothing of the machine or of the checkout is in it. A Rust compiler writes paths into what it makes: they are
replaced, and symbols that nobody links to are left out. It also orders what it makes by the place of the sources, so
they are always built at the same one, by one builder at a time. What a killed builder has left there is removed.
"""

import fcntl
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

PLACE: Final = Path(tempfile.gettempdir()) / "hookline-native-release"
_FLAGS_BETWEEN: Final = "\x1f"


class NotBuilt(Exception):  # noqa: N818 # it names what happened, as the glossary does
    """The message is the builder's own."""


def native_version(folder: Path) -> str:
    """Of the sources in this checkout."""
    cargo = tomllib.loads((folder / "native" / "Cargo.toml").read_text(encoding="utf-8"))
    return cast("str", cargo["workspace"]["package"]["version"])


def native_files(folder: Path, environment: Mapping[str, str]) -> dict[str, bytes]:
    """Wheel and sdist of the sources in this checkout, by their names.

    While another release is being made on this machine, it waits for its turn.

    Raises:
        NotBuilt: they cannot be built, or the place where they are built belongs to another user.
    """
    with turn_at(PLACE) as place:
        return _built(Path(shutil.copytree(folder / "native", place / "native")), place, environment)


@contextmanager
def turn_at(place: Path) -> Iterator[Path]:
    """This folder, empty, and nobody else's until the block ends, however the process ends.

    The folder itself stays: whoever waits for it waits for this one.

    Raises:
        NotBuilt: it belongs to another user.
    """
    place.mkdir(mode=0o700, exist_ok=True)
    if place.is_symlink() or place.stat().st_uid != os.geteuid():
        raise NotBuilt(f"{place} belongs to another user, and releases are built there: ask them to remove it")
    held = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)  # gone with the process
        _empty(place)
        yield place
        _empty(place)
    finally:
        os.close(held)


def _empty(place: Path) -> None:
    for left in place.iterdir():
        shutil.rmtree(left)


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
