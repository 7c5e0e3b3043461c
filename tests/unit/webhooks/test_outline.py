"""An outline says what the webhook itself would: its refusals, its revision, and whether it is the same one."""

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from consumer.events.event import RecordHeaders
from consumer.schemas import avro_history
from consumer.webhooks.history import Deletion
from consumer.webhooks.outline import Outline, outline_of, outline_of_value, whole
from consumer.webhooks.record import SUBSCRIPTION, encode, rewrite_of, state_of
from consumer.webhooks.subscription import FormerSecret, SealedSecret, Unblock
from consumer.wire import RecordCorrupt, WireFormat
from tests.webhook_samples import subscription

FULL = subscription(
    event_types=("a", "b"),
    filter_json='{"a": [1]}',
    former_secrets=(FormerSecret(secret=SealedSecret(key_id="k", sealed=b"s"), until_ms=5),),
    unblocks=(Unblock(at_ms=7, drop=True),),
    revision=3,
    changes=2,
    works=("a" * 28,),
    metadata=(("team", "a"),),
)
VALUE = encode(FULL)


def said(
    read: Callable[[bytes | None, bytes | None, RecordHeaders], object], key: bytes | None, value: bytes | None
) -> object:
    try:
        return read(key, value, ())
    except RecordCorrupt as error:
        return str(error)


@given(st.sampled_from([b"wh_1", b"wh_2", b"", b"\xff", None]), st.integers(0, len(VALUE) - 1), st.integers(0, 255))
@example(b"wh_1", 0, VALUE[0])  # as it was written
@example(b"wh_2", 0, VALUE[0])
def test_any_record_is_read_or_refused_as_the_webhook_is(key: bytes | None, at: int, byte: int) -> None:
    for value in (VALUE[:at] + bytes((byte,)) + VALUE[at + 1 :], VALUE[:at], None):
        outline, state = said(outline_of, key, value), said(state_of, key, value)
        if isinstance(outline, Outline):
            assert (outline.id, outline.tenant) == (getattr(state, "id", None), getattr(state, "tenant", None))
            assert (outline.changes, outline.revision) == (
                getattr(state, "changes", None),
                getattr(state, "revision", None),
            )
            assert whole(outline) == state
        else:
            assert outline == state


def test_a_deletion_has_no_outline_of_its_own() -> None:
    deletion = Deletion.of(FULL)
    written = rewrite_of(deletion)
    assert outline_of(written.key, written.value, written.headers) == whole(deletion) == deletion
    assert outline_of_value(VALUE) != deletion


def test_two_outlines_are_equal_where_the_webhooks_are() -> None:
    # The same array, its one item in a block that tells its size in bytes.
    item = b"\x02a\x00"
    plain, sized = encode(subscription(event_types=("a",))), b"\x01" + bytes((2 * 2,)) + item
    assert plain.count(b"\x02" + item) == 1
    other = plain.replace(b"\x02" + item, sized)
    assert outline_of_value(other).value != plain
    assert outline_of_value(other) == outline_of_value(plain)
    assert outline_of_value(plain) != outline_of_value(encode(subscription(event_types=("b",))))


def test_what_an_earlier_version_wrote_is_written_as_today() -> None:
    for earlier in avro_history("Subscription")[1:]:
        known = {field["name"] for field in earlier["fields"]}  # type: ignore[index,union-attr,call-overload]
        row = {name: value for name, value in SUBSCRIPTION.decode(encode(subscription())).items() if name in known}
        value = WireFormat((earlier,)).encode(row)
        outline = outline_of(b"wh_1", value, ())
        assert isinstance(outline, Outline)
        assert (outline.value, whole(outline)) == (encode(subscription()), subscription())
