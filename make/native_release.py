"""The native step as it is released: a wheel for this machine's platform, and the sdist for all others.

The law: nothing of the machine or of the folder is in it. A Rust compiler writes paths into what it makes, and names
symbols after its flags: the paths are replaced, and symbols that nobody links to are left out.
"""

import os
import subprocess
import tomllib
from collections.abc import Mapping
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
    """Wheel and sdist of the sources in this checkout, by their names. Raises NotBuilt."""
    sources, out, target = folder / "native", folder / "native-out", folder / "native-target"
    cargo_home = os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")
    remapped = {str(target): "/target", str(folder): "/hookline", cargo_home: "/cargo"}
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
