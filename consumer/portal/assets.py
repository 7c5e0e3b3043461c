"""What pages are made of besides HTML: style sheets and scripts, served for ever under a name made of their bytes."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "assets"
BASE: Final = "/portal/assets/"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """All of them. They are below one folder, so that one may name another."""

    base: str
    files: dict[str, Asset]

    def url(self, name: str) -> str:
        """Where a file is. Raises KeyError: there is none of this name."""
        assert name in self.files, name
        return self.base + name

    def find(self, path: str) -> Asset | None:
        """The file at this path, of these bytes."""
        return self.files.get(path.removeprefix(self.base)) if path.startswith(self.base) else None


@cache
def assets() -> Assets:
    """Those that come with this version."""
    files = {
        path.name: Asset(body=path.read_bytes(), media_type=_TYPES[path.suffix])
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }
    digest = hashlib.sha256()
    for name, each in files.items():
        digest.update(f"{name}:{len(each.body)}:".encode() + each.body)
    return Assets(base=f"{BASE}{digest.hexdigest()[:16]}/", files=files)
