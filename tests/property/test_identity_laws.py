"""What is told apart by its producer, or by where it lies, is told apart by everybody."""

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery.delivery import delivery_id
from consumer.events.event import Event
from consumer.events.identity import webhook_id
from consumer.signing.payload import render
from consumer.webhooks.subscription import PayloadFormat
from tests.deliveries import event
from tests.hostile.events import ids
from tests.unit.signing.signing_parts import HOOKLINE

_odd = st.text(alphabet="aA0_-~.E7é\ud800\n", max_size=6)
_words = ids | _odd | st.text()
_sources = st.none() | st.sampled_from(("/a", "/b")) | st.text(min_size=1, max_size=20)
_events = st.builds(
    lambda id_, source, offset, at: replace(event(id_), source=source, offset=offset, timestamp_ms=at),
    ids | st.sampled_from(("a", "a~~", "b")),
    st.none() | st.sampled_from(("/a", "/b")) | ids,
    st.integers(0, 2),
    st.integers(-1, 1),
)


@given(st.tuples(_words, _sources), st.tuples(_words, _sources))
def test_two_events_of_other_ids_or_sources_never_share_a_webhook_id(
    one: tuple[str, str | None], other: tuple[str, str | None]
) -> None:
    assume(one != other)
    first, second = (replace(event(id_), source=source) for id_, source in (one, other))
    assert webhook_id(first) != webhook_id(second)


@given(_words, _sources)
def test_a_webhook_id_is_safe_in_a_header(event_id: str, source: str | None) -> None:
    found = webhook_id(replace(event(event_id), source=source))
    assert set(found) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-~")
    if "~" not in found:
        assert found == event_id


@given(_events, _events, ids, ids)
def test_two_records_never_share_a_delivery(one: Event, other: Event, webhook: str, another: str) -> None:
    assume((one, webhook) != (other, another))
    assert delivery_id(one, webhook) != delivery_id(other, another)


@given(_events, _events)
def test_cloudevents_sent_have_source_and_id_of_their_own(one: Event, other: Event) -> None:
    assume((one.id, one.source) != (other.id, other.source))
    assert render(PayloadFormat.CLOUDEVENTS, one, HOOKLINE) != render(PayloadFormat.CLOUDEVENTS, other, HOOKLINE)
