"""docs/security.md: what each role may ask of Kafka, as `consumer/roles/rights.py` has it, put between marks.

`python -m make.rights_page` writes it anew; a test finds a page that is behind.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from consumer.roles.rights import Kind, Right, creating, joined, rights
from consumer.roles.role import Role
from consumer.settings import Settings

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "security.md"
_BEGIN: Final = "<!-- rights -->\n"
_END: Final = "<!-- /rights -->"
_EVENTS: Final = "*event topics*"
_KINDS: Final = (Kind.TOPIC, Kind.GROUP, Kind.TRANSACTIONAL_ID, Kind.CLUSTER)


def page() -> str:
    """The page as it has to be."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    return before + _BEGIN + "\n".join(_rows()) + "\n" + _END + rest.partition(_END)[2]


def _rows() -> Iterator[str]:
    settings = Settings(event_topics=(_EVENTS,))
    yield "| who | topics | groups | other | may be left out |"
    yield "|---|---|---|---|---|"
    for role in Role:
        found = joined(rights(settings, role))
        yield f"| `{role}` | {_cells([each for each in found if not each.without])} | {_optional(found)} |"
    yield f"| who creates topics | {_cells(creating(settings))} | |"


def _cells(found: list[Right]) -> str:
    topics, groups, *others = (", ".join(_told(each) for each in found if each.kind is kind) for kind in _KINDS)
    return f"{topics} | {groups} | {', '.join(filter(None, others))}"


def _optional(found: list[Right]) -> str:
    return ", ".join(_told(each) for each in found if each.without)


def _told(right: Right) -> str:
    if right.name == _EVENTS:
        name = _EVENTS
    elif right.kind is Kind.CLUSTER:
        name = "the cluster"
    else:
        kind = "transactional id " if right.kind is Kind.TRANSACTIONAL_ID else ""
        group = "group " if right.without and right.kind is Kind.GROUP else ""
        name = f"{kind}{group}`{right.name.removeprefix('hookline.')}{'…' if right.prefixed else ''}`"
    return f"{' + '.join(right.operations)} {name}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
