"""A filter is tried: the verdict is the matcher's, and every part that is not met is told by its path."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.json import Json
from consumer.webhooks.filter import MOST_STEPS, FilterInvalid, compile_filter
from consumer.webhooks.filter_trial import MOST_TOLD, Unmet, try_filter
from consumer.webhooks.pattern import Effort

ORDER: Json = {"status": "open", "total": 5, "customer": {"vip": False}, "items": [{"a": 1, "b": 2}, {"a": 2, "b": 1}]}


@pytest.mark.parametrize(
    ("pattern", "unmet"),
    [
        ({"status": ["open"]}, []),
        ({"status": ["open"], "total": [{"numeric": [">", 9]}]}, [Unmet(path="$.total", found="5")]),
        ({"status": ["x"], "no": [1]}, [Unmet(path="$.status", found='"open"'), Unmet(path="$.no", found=None)]),
        (
            {"customer": {"vip": [True], "id": [1]}},
            [Unmet(path="$.customer.vip", found="false"), Unmet(path="$.customer.id", found=None)],
        ),
        ({"gone": {"a": {"b": [1]}}}, [Unmet(path="$.gone.a.b", found=None)]),
        ({"items": {"a": [1], "b": [1]}}, [Unmet(path="$.items", found='[{"a":1,"b":2},{"a":2,"b":1}]')]),
        ({"$or": [{"status": ["x"]}, {"total": [6]}]}, [Unmet(path="$.$or", found=None)]),
        ({"status": [{"exists": False}]}, [Unmet(path="$.status", found='"open"')]),
    ],
)
def test_what_is_not_met_is_told_by_its_path(pattern: dict[str, object], unmet: list[Unmet]) -> None:
    tried = try_filter(json.dumps(pattern), ORDER)
    assert (tried.matches, list(tried.unmet), tried.given_up) == (not unmet, unmet, False)


leaves = st.sampled_from([[1], ["x"], [None], [{"exists": False}], [{"exists": True}], [{"prefix": "x"}]])
patterns = st.recursive(
    st.dictionaries(st.sampled_from("ab"), leaves, min_size=1),
    lambda inner: (
        st.dictionaries(st.sampled_from("ab"), inner, min_size=1)
        | st.builds(lambda first, second: {"$or": [first, second]}, inner, inner)
    ),
    max_leaves=6,
)
values = st.recursive(
    st.sampled_from([1, 2, "x", None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=8,
)


@given(pattern=patterns, data=values)
def test_the_verdict_is_the_matchers_and_a_no_has_a_reason(pattern: dict[str, object], data: Json) -> None:
    text = json.dumps(pattern)
    tried = try_filter(text, data)
    assert tried.matches is compile_filter(text).matches(data, Effort(MOST_STEPS))
    assert bool(tried.unmet) is not tried.matches


def test_one_that_takes_too_many_steps_lets_it_through_as_a_delivery_would() -> None:
    costly = json.dumps({"a": [{"prefix": f"x{number}"} for number in range(90)]})
    tried = try_filter(costly, {"a": ["y"] * 10_000})
    assert (tried.matches, tried.given_up, tried.unmet) == (True, True, ())


def test_so_many_are_told_and_values_are_cut() -> None:
    many = json.dumps({f"f{number}": [1] for number in range(50)})
    tried = try_filter(many, {"f0": "long" * 1_000})
    assert (len(tried.unmet), len(tried.unmet[0].found or "")) == (MOST_TOLD, 60)


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(FilterInvalid):
        try_filter('{"a": 1}', {})
