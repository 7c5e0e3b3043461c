import msgspec
import pytest

from consumer.webhooks.matching import Matcher
from consumer.webhooks.subscription import Status
from tests.webhook_samples import event, subscription


@pytest.mark.parametrize(
    ("patterns", "type_", "wanted"),
    [
        ((), "a", True),
        (("*",), "a.b", True),
        (("a.b",), "a.b", True),
        (("a.b",), "a.b.c", False),
        (("a.*",), "a.b", True),
        (("a.*",), "a.b.c", True),
        (("a.b.*",), "a.b.c", True),
        (("a.*",), "a", False),
        (("a.*",), "ab.c", False),
        (("a.*",), "a.", True),
        (("a.*", "a.b", "*"), "a.b", True),
    ],
)
def test_event_types(patterns: tuple[str, ...], type_: str, wanted: bool) -> None:
    matcher = Matcher([subscription(event_types=patterns)])
    assert [each.id for each in matcher.match(event(type_))] == (["wh_1"] if wanted else [])


def test_paused_never_matches_and_suspended_does() -> None:
    subscriptions = [subscription(status.value, status=status) for status in Status]
    matcher = Matcher(subscriptions)
    assert [each.id for each in matcher.match(event())] == ["active", "suspended"]
    assert matcher.by_id("paused") is subscriptions[1]
    assert matcher.by_id("other") is None


def test_a_product_narrows() -> None:
    matcher = Matcher([subscription("all"), subscription("p", product="p")])
    assert [each.id for each in matcher.match(event(product="p"))] == ["all", "p"]
    assert [each.id for each in matcher.match(event(product="q"))] == ["all"]
    assert [each.id for each in matcher.match(event())] == ["all"]


def test_filters_narrow_and_the_order_is_kept() -> None:
    matcher = Matcher(
        [
            subscription("one", filter_json='{"n": [1]}', event_types=("post.*",)),
            subscription("any"),
            subscription("two", filter_json='{"n": [2]}'),
        ]
    )
    assert [each.id for each in matcher.match(event(data=b'{"n": 1}'))] == ["one", "any"]
    assert [each.id for each in matcher.match(event(data=b'{"n": 2}'))] == ["any", "two"]


def test_the_payload_is_read_only_for_a_filter() -> None:
    not_json = b"{"
    matcher = Matcher(
        [subscription("plain", event_types=("a",)), subscription("f", filter_json='{"n": [1]}', event_types=("b",))]
    )
    assert len(matcher.match(event("a", data=not_json))) == 1
    with pytest.raises(msgspec.DecodeError):
        matcher.match(event("b", data=not_json))


def test_what_is_remembered_of_event_types_is_bounded() -> None:
    matcher = Matcher([subscription(event_types=("t.*",))])
    for number in range(5_000):
        assert matcher.match(event(f"t.{number}"))
    assert matcher.match(event("t." + "x" * 10_000))
    assert len(matcher._plans) <= 1_024


def test_the_types_that_a_tenant_names_are_all_remembered_beside_as_many_others() -> None:
    """What is remembered is the same object the next time."""
    types = [f"type.{number}" for number in range(2_000)]
    matcher = Matcher([subscription(f"wh_{type_}", event_types=(type_,)) for type_ in types])
    first = {type_: matcher.match(event(type_)) for type_ in types}
    for number in range(1_999):
        matcher.match(event(f"other.{number}"))
    assert all(matcher.match(event(type_)) is first[type_] for type_ in types)


def test_the_filters_of_a_tenant_share_the_steps_of_an_event() -> None:
    def matched(webhooks: int, items: int) -> tuple[int, int]:
        every = [subscription(f"wh_{number}", filter_json='{"a": [1]}') for number in range(webhooks)]
        matcher = Matcher(every)
        wanted = matcher.match(event(data=msgspec.json.encode({"a": [0] * items})))
        return len(wanted), matcher.take_given_up()

    assert matched(1, 90_000) == (0, 0)
    assert matched(1, 110_000) == (1, 1)
    assert matched(10, 9_000) == (0, 0)
    assert matched(10, 11_000) == (10, 10)
    assert matched(1_000, 400) == (0, 0)
