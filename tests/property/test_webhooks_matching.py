"""The matcher agrees with the one a reader would write first."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.json import Json
from consumer.webhooks.filter import FilterInvalid, compile_filter
from consumer.webhooks.matching import Matcher
from consumer.webhooks.subscription import Status, Subscription
from tests.strategies import json_values
from tests.webhook_samples import event, subscription

words = st.sampled_from(("a", "b", "ab", ""))
types = st.lists(words, min_size=1, max_size=4).map(".".join)
patterns = st.one_of(types, types.map(lambda each: each + ".*"), st.just("*"))
products = st.sampled_from((None, "p", "q"))


def wants(subscription_: Subscription, type_: str, product: str | None) -> bool:
    def covers(pattern: str) -> bool:
        if pattern == "*":
            return True
        if pattern.endswith(".*"):
            return type_.startswith(pattern[:-1])
        return pattern == type_

    return (
        subscription_.status is not Status.PAUSED
        and subscription_.product in (None, product)
        and (not subscription_.event_types or any(map(covers, subscription_.event_types)))
    )


@given(
    st.lists(st.tuples(st.lists(patterns, max_size=3), products, st.sampled_from(Status)), max_size=8),
    st.lists(st.tuples(types, products), min_size=1, max_size=4),
)
def test_the_matcher_agrees_with_the_naive_one(
    wishes: list[tuple[list[str], str | None, Status]], events: list[tuple[str, str | None]]
) -> None:
    subscriptions = [
        subscription(f"wh_{number}", event_types=tuple(event_types), product=product, status=status)
        for number, (event_types, product, status) in enumerate(wishes)
    ]
    matcher = Matcher(subscriptions)
    for type_, product in events * 2:
        expected = [each for each in subscriptions if wants(each, type_, product)]
        assert list(matcher.match(event(type_, product))) == expected


@given(st.text(max_size=200), json_values)
def test_compiling_a_filter_is_total(text: str, data: object) -> None:
    try:
        compiled = compile_filter(text)
    except FilterInvalid:
        return
    compiled.matches(data)  # type: ignore[arg-type] # hypothesis' recursive strategies have no type


fields = st.sampled_from(("a", "b"))
rules = st.sampled_from(
    (
        '"x"',
        "1",
        "null",
        "true",
        '{"exists": true}',
        '{"exists": false}',
        '{"prefix": "x"}',
        '{"suffix": "y"}',
        '{"anything-but": ["x", 1]}',
        '{"numeric": [">", 0]}',
        '{"wildcard": "*x*"}',
        '{"equals-ignore-case": "X"}',
    )
)
leaves = st.builds("{{{}: [{}, {}]}}".format, fields.map('"{}"'.format), rules, rules)
nested = st.recursive(
    leaves,
    lambda inner: (
        st.builds("{{{}: {}}}".format, fields.map('"{}"'.format), inner)
        | st.builds('{{"$or": [{}, {}]}}'.format, inner, inner)
    ),
    max_leaves=6,
)
small = st.recursive(
    st.sampled_from((None, True, 1, 0.5, "x", "xy", "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=2),
    max_leaves=10,
)


@given(nested, small)
def test_matching_is_total_and_sees_through_arrays(pattern: str, data: object) -> None:
    compiled = compile_filter(pattern)
    alone = compiled.matches(data)  # type: ignore[arg-type] # as above
    if isinstance(data, dict):
        wrapped: Json = {key: [value] for key, value in data.items()}
        assert compiled.matches(wrapped) == alone
