"""consumer/portal/programs.toml: the programs of docs/examples/verify/, for the pages that show them beside a secret.

`python -m make.programs` writes it anew; a test finds a file that is behind.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parent.parent
FILE: Final = _ROOT / "consumer" / "portal" / "programs.toml"
_EXAMPLES: Final = _ROOT / "docs" / "examples" / "verify"
_LANGUAGES: Final = {".py": "Python", ".mjs": "Node", ".go": "Go", ".rb": "Ruby", ".php": "PHP", ".java": "Java"}
"""In the order in which they are offered."""
_PROFILES: Final = {
    "standard": "verify",
    "ed25519": "verify_ed25519",
    "hex": "verify_hex",
    "sha256": "verify_hex",
    "stripe": "verify_stripe",
}


def text() -> str:
    """The file as it has to be."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Made by `make docs` from docs/examples/verify/: change those. Programs that check a signature, by profile."
    for profile, stem in _PROFILES.items():
        for ending, language in _LANGUAGES.items():
            found = next((each for each in _EXAMPLES.iterdir() if each.name.lower() == stem + ending), None)
            if found is None:
                continue
            program = found.read_text(encoding="utf-8")
            assert "'''" not in program, f"{found.name} cannot be written between '''"
            yield f"\n[[{profile}]]\nlanguage = '{language}'\nfile = '{found.name}'\ntext = '''\n{program}'''"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
