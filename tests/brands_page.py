"""The brand Acme, as docs/brands.md shows it."""

from pathlib import Path

from tests import markdown

OWN_EVENTS = (
    "webhook.test",
    "webhook.failing",
    "webhook.recovered",
    "webhook.suspended",
    "webhook.behind",
    "webhook.caught_up",
    "webhook.blocked",
    "job.finished",
)
"""What every brand's catalogue ends with: the events that Hookline itself sends."""

PAGE = markdown.ROOT / "docs" / "brands.md"


def write_acme(folder: Path) -> Path:
    """The page's two files, written as it says; the folder, which is made."""
    folder.mkdir(exist_ok=True)
    shown = {block.info: block.text for block in markdown.blocks(PAGE)}
    (folder / "acme.toml").write_text(shown["toml acme"])
    (folder / "acme.events.json").write_text(shown["json acme"])
    return folder
