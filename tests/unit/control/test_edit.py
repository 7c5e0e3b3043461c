"""Edits that meet other writes of the same moment."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from consumer.control.edit import TRIES, edit
from consumer.control.refusal import Conflict, Mismatch, WebhookUnknown
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.subscription import Subscription
from tests.webhook_samples import changed, subscription


@dataclass
class Store:
    """A webhook that rivals change before each of the first `rivals` writes."""

    state: State = field(default_factory=subscription)
    rivals: int = 0
    rival: Callable[[Subscription], State] = lambda was: changed(was, description=was.description + "r")
    writes: int = 0

    def read(self) -> Subscription:
        if isinstance(self.state, Deletion):
            raise WebhookUnknown(self.state.id)
        return self.state

    def write(self, state: State) -> bool:
        self.writes += 1
        if self.rivals and isinstance(self.state, Subscription):
            self.rivals -= 1
            self.state = self.rival(self.state)
        if state.changes != self.state.revision:
            return False
        self.state = state
        return True


def named(was: Subscription) -> Subscription:
    return changed(was, name="mine")


def test_an_edit_that_lost_is_made_on_what_won() -> None:
    store = Store(rivals=2)
    state = edit(store, named)
    assert (state.name, state.description, state.revision) == ("mine", "rr", 4)
    assert store.state == state


def test_after_five_losses_it_is_given_up() -> None:
    store = Store(rivals=TRIES)
    with pytest.raises(Conflict):
        edit(store, named)
    assert (store.writes, store.read().name) == (5, "")


def test_who_names_another_revision_is_told_and_nothing_is_written() -> None:
    store = Store()
    with pytest.raises(Mismatch) as told:
        edit(store, named, if_match={2})
    assert (told.value.revision, store.writes) == (1, 0)


def test_who_names_a_revision_and_loses_it_is_not_tried_again() -> None:
    store = Store(rivals=1)
    with pytest.raises(Mismatch):
        edit(store, named, if_match={1})
    assert (store.writes, store.read().description) == (1, "r")


def test_who_names_the_revision_that_is_there_gets_it() -> None:
    assert edit(Store(), named, if_match={1}).revision == 2


def test_nothing_to_change_is_not_written_but_checked() -> None:
    store = Store()
    assert edit(store, lambda was: was) is store.state
    with pytest.raises(Mismatch):
        edit(store, lambda was: was, if_match={7})
    assert store.writes == 0


def test_what_was_deleted_meanwhile_is_unknown() -> None:
    store = Store(rivals=1, rival=Deletion.of)
    with pytest.raises(WebhookUnknown):
        edit(store, named)


def test_a_deletion_is_an_edit_too() -> None:
    store = Store(rivals=1)
    assert edit(store, Deletion.of) == Deletion(id="wh_1", tenant="acme", changes=2, revision=3)


def test_an_edit_that_cannot_be_made_on_what_won_says_so() -> None:
    def once(was: Subscription) -> Subscription:
        if was.description:
            raise ValueError(was.description)
        return replace(named(was))

    with pytest.raises(ValueError, match="r"):
        edit(Store(rivals=1), once)
