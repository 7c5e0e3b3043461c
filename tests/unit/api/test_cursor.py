"""Cursors: taken as they were given."""

import pytest

from consumer.control.cursor import CursorInvalid, Cursors
from consumer.control.owner import Owner
from consumer.webhooks.keyring import Keyring

ACME = Owner(tenant="acme", brand="hookline")
OLD, NEW = {"k1": bytes(32)}, {"k2": bytes([2]) * 32}
POSITION = (1_790_000_000_000, "wh_1")


def test_what_was_written_is_read_by_its_owner_for_its_list() -> None:
    cursors = Cursors(Keyring(OLD))
    cursor = cursors.write(POSITION, owner=ACME, of="webhooks")
    assert cursors.read(cursor, tuple[int, str], owner=ACME, of="webhooks") == POSITION
    others = [
        (Owner(tenant="acm", brand="ehookline"), "webhooks"),
        (Owner(tenant="acme", brand="convo"), "webhooks"),
        (ACME, "keys"),
    ]
    for owner, of in others:
        with pytest.raises(CursorInvalid):
            cursors.read(cursor, tuple[int, str], owner=owner, of=of)


def test_no_character_of_it_can_be_changed() -> None:
    cursors = Cursors(Keyring(OLD))
    cursor = cursors.write(POSITION, owner=ACME, of="webhooks")
    for at, character in enumerate(cursor):
        changed = cursor[:at] + ("A" if character != "A" else "B") + cursor[at + 1 :]
        with pytest.raises(CursorInvalid):
            cursors.read(changed, tuple[int, str], owner=ACME, of="webhooks")


def test_it_outlives_a_rotation_of_the_keys_while_the_old_one_is_there() -> None:
    cursor = Cursors(Keyring(OLD)).write(POSITION, owner=ACME, of="webhooks")
    assert Cursors(Keyring(NEW | OLD)).read(cursor, tuple[int, str], owner=ACME, of="webhooks") == POSITION
    with pytest.raises(CursorInvalid):
        Cursors(Keyring(NEW)).read(cursor, tuple[int, str], owner=ACME, of="webhooks")


def test_a_position_of_another_shape_is_none() -> None:
    cursors = Cursors(Keyring(OLD))
    cursor = cursors.write({"0": 5}, owner=ACME, of="webhooks")
    with pytest.raises(CursorInvalid):
        cursors.read(cursor, tuple[int, str], owner=ACME, of="webhooks")
