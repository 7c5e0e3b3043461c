"""When the simulated cache excuses that an older version of a webhook was used."""

import pytest

from consumer.delivery.tenants import PATIENCE_MS
from tests.simulation.spells import Spells


def told(*unread: tuple[int, int], behind: tuple[int, int] | None = None) -> Spells:
    spells = Spells()
    for from_ms, until_ms in unread:
        spells.unread(from_ms, until_ms)
    if behind is not None:
        spells.behind(*behind)
    return spells


@pytest.mark.parametrize(
    ("spells", "from_ms", "until_ms", "excused"),
    [
        (told((0, 3_000)), 1_000, 2_000, False),  # a moment
        (told((0, PATIENCE_MS + 1)), 1_000, PATIENCE_MS, True),
        (told((0, PATIENCE_MS + 1)), 1_000, 2_000, False),  # matched before the patience was over
        (told((0, PATIENCE_MS + 1)), 60_000, 61_000, False),  # long over
        (told((0, 3_000), (4_000, 9_000)), 1_000, 8_000, True),  # nobody has asked in between: they are one
        (told((0, 3_000), (60_000, 63_000)), 61_000, 62_000, False),
        (told(behind=(0, 100)), 50, 60, True),  # a replica that is behind is believed at once
        (told(behind=(0, 100)), 60_000, 61_000, False),
    ],
)
def test_only_what_lasted_excuses_an_older_version(spells: Spells, from_ms: int, until_ms: int, excused: bool) -> None:
    assert spells.hid_news(from_ms, until_ms) is excused
