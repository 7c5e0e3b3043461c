import json
import sys
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass

import pytest

from consumer.json import Json
from consumer.webhooks.filter import (
    MAX_PATTERN_BYTES,
    MOST_STEPS,
    FilterInvalid,
    compile_filter,
)
from consumer.webhooks.filter_size import MAX_COMPILED_BYTES, MAX_PARTS
from consumer.webhooks.pattern import Effort

DATA: Json = {
    "status": "open",
    "count": 5,
    "ratio": 0.5,
    "flag": True,
    "nothing": None,
    "tags": ["bug", "ui", 7],
    "user": {"name": "Ada", "mail": "ada@example.com"},
    "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}],
    "deep": [[["x"]]],
    "empty": [],
}

MATCHES: list[tuple[str, str]] = [
    ("exact string", '{"status": ["open"]}'),
    ("one of several", '{"status": ["closed", "open"]}'),
    ("integer and float are one number", '{"count": [5.0]}'),
    ("boolean", '{"flag": [true]}'),
    ("null", '{"nothing": [null]}'),
    ("prefix", '{"status": [{"prefix": "op"}]}'),
    ("prefix ignoring case", '{"status": [{"prefix": {"equals-ignore-case": "OP"}}]}'),
    ("suffix", '{"status": [{"suffix": "en"}]}'),
    ("equals-ignore-case", '{"status": [{"equals-ignore-case": "OPEN"}]}'),
    ("wildcard", '{"user": {"mail": [{"wildcard": "a*@*.com"}]}}'),
    ("wildcard with nothing in between", '{"status": [{"wildcard": "open*"}]}'),
    ("anything-but", '{"status": [{"anything-but": "closed"}]}'),
    ("anything-but several", '{"status": [{"anything-but": ["closed", 5]}]}'),
    ("anything-but prefix", '{"status": [{"anything-but": {"prefix": "cl"}}]}'),
    ("anything-but several suffixes", '{"status": [{"anything-but": {"suffix": ["x", "y"]}}]}'),
    ("one element is enough for anything-but", '{"tags": [{"anything-but": "bug"}]}'),
    ("numeric", '{"count": [{"numeric": [">", 4]}]}'),
    ("numeric range", '{"count": [{"numeric": [">=", 5, "<", 6]}]}'),
    ("exists", '{"status": [{"exists": true}]}'),
    ("exists, though null", '{"nothing": [{"exists": true}]}'),
    ("exists, though empty", '{"empty": [{"exists": true}]}'),
    ("exists not", '{"missing": [{"exists": false}]}'),
    ("exists not, below a missing object", '{"missing": {"inner": [{"exists": false}]}}'),
    ("exists not, or a value", '{"missing": [{"exists": false}, "x"]}'),
    ("array element", '{"tags": ["ui"]}'),
    ("array of arrays", '{"deep": ["x"]}'),
    ("nested", '{"user": {"name": ["Ada"]}}'),
    ("one element meets all of it", '{"items": {"sku": ["b"], "n": [2]}}'),
    ("$or", '{"$or": [{"status": ["closed"]}, {"count": [5]}]}'),
    ("$or beside a field", '{"flag": [true], "$or": [{"status": ["open"]}, {"count": [1]}]}'),
]

DIFFERS: list[tuple[str, str]] = [
    ("another string", '{"status": ["closed"]}'),
    ("true is not 1", '{"flag": [1]}'),
    ("1 is not true", '{"items": {"n": [true]}}'),
    ("a number is no string", '{"count": ["5"]}'),
    ("one field of two", '{"status": ["open"], "count": [6]}'),
    ("prefix of a number", '{"count": [{"prefix": "5"}]}'),
    ("wildcard parts overlap", '{"status": [{"wildcard": "ope*pen"}]}'),
    ("wildcard order", '{"status": [{"wildcard": "*n*o*"}]}'),
    ("anything-but it", '{"status": [{"anything-but": ["open"]}]}'),
    ("anything-but of a missing field", '{"missing": [{"anything-but": ["open"]}]}'),
    ("anything-but of an object", '{"user": [{"anything-but": ["open"]}]}'),
    ("numeric of a string", '{"status": [{"numeric": [">", 0]}]}'),
    ("numeric of a boolean", '{"flag": [{"numeric": ["=", 1]}]}'),
    ("open bound", '{"count": [{"numeric": ["<", 5]}]}'),
    ("exists", '{"missing": [{"exists": true}]}'),
    ("exists not", '{"status": [{"exists": false}]}'),
    ("nothing is in an empty array", '{"empty": [null]}'),
    ("no single element meets all", '{"items": {"sku": ["a"], "n": [2]}}'),
    ("nested in a string", '{"status": {"name": ["Ada"]}}'),
    ("$or", '{"$or": [{"status": ["closed"]}, {"count": [6]}]}'),
]

INVALID: list[tuple[str, str, str]] = [
    ("{", "$", "not JSON"),
    ("[]", "$", "object of fields"),
    ("{}", "$", "empty"),
    ('{"a": "x"}', "$.a", 'write ["x"]'),
    ('{"a": []}', "$.a", "empty"),
    ('{"a": {"b": {}}}', "$.a.b", "empty"),
    ('{"a": [["x"]]}', "$.a[0]", "array in an array"),
    ('{"a": ["x", {"prefx": "y"}]}', "$.a[1].prefx", "not a known rule"),
    ('{"a": [{"prefix": 5}]}', "$.a[0].prefix", "a string"),
    ('{"a": [{"prefix": "x", "suffix": "y"}]}', "$.a[0]", "exactly one"),
    ('{"a": [{"prefix": {"wildcard": "x"}}]}', "$.a[0].prefix.wildcard", "equals-ignore-case"),
    ('{"a": [{"exists": "yes"}]}', "$.a[0].exists", "true or false"),
    ('{"a": [{"numeric": [">"]}]}', "$.a[0].numeric", "must be as in"),
    ('{"a": [{"numeric": ["~", 1]}]}', "$.a[0].numeric", "not a comparison"),
    ('{"a": [{"numeric": [">", "1"]}]}', "$.a[0].numeric", "not a number"),
    ('{"a": [{"numeric": ["<", 1, ">", 0]}]}', "$.a[0].numeric", "in this order"),
    ('{"a": [{"numeric": [">", 5, "<", 1]}]}', "$.a[0].numeric", "no number can meet"),
    ('{"a": [{"anything-but": []}]}', "$.a[0].anything-but", "empty"),
    ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "$.a[0].anything-but.numeric", "not possible"),
    ('{"a": [{"wildcard": "a\\\\b"}]}', "$.a[0].wildcard", "backslash"),
    ('{"$or": []}', "$.$or", "array of patterns"),
    ('{"$or": [{}]}', "$.$or[0]", "empty"),
    (json.dumps({"a": ["x" * MAX_PATTERN_BYTES]}), "$", "more than"),
    (json.dumps({"a": list(range(MAX_PARTS))}), "$", "has 510 parts, more than the 500 allowed: a plain value is one"),
    (json.dumps({f"f{n}": [1] for n in range(83)}), "$", "has 503 parts"),
    (json.dumps({"$or": [{"a": [n]} for n in range(46)]}), "$", "has 511 parts"),
    ('{"a":' * 17 + '["x"]' + "}" * 17, "$" + ".a" * 16, "nested deeper"),
    ("[" * 4000, "$", "not JSON"),
]


@pytest.mark.parametrize(("why", "pattern"), MATCHES)
def test_matches(why: str, pattern: str) -> None:
    assert compile_filter(pattern).matches(DATA)


@pytest.mark.parametrize(("why", "pattern"), DIFFERS)
def test_differs(why: str, pattern: str) -> None:
    assert not compile_filter(pattern).matches(DATA)


@pytest.mark.parametrize(("pattern", "path", "fix"), INVALID)
def test_an_invalid_pattern_is_refused_with_its_place_and_the_fix(pattern: str, path: str, fix: str) -> None:
    with pytest.raises(FilterInvalid) as caught:
        compile_filter(pattern)
    assert caught.value.path == path
    assert fix in str(caught.value)


@pytest.mark.parametrize("data", [None, 5, "x", [], [{"a": 1}]])
def test_a_payload_that_is_no_object_is_an_empty_one(data: Json) -> None:
    assert not compile_filter('{"a": [1]}').matches(data)
    assert compile_filter('{"a": [{"exists": false}]}').matches(data)


def test_data_nested_beyond_the_stack_is_matched() -> None:
    deep: Json = "x"
    for _ in range(100_000):
        deep = [deep]
    assert compile_filter('{"a": ["x"]}').matches({"a": deep})


def test_an_escaped_star_is_a_star() -> None:
    wanted = compile_filter(json.dumps({"a": [{"wildcard": r"1\*2*"}]}))
    assert wanted.matches({"a": "1*2=2"})
    assert not wanted.matches({"a": "1x2=2"})


ONE_EVENT = 1_048_576
HOSTILE = [
    ({"$or": [{"a": {f"{n:x}": [1]}} for n in range(22)]}, {"a": [{}] * (ONE_EVENT // 3)}),
    ({"a": [{"prefix": f"{n:x}"} for n in range(98)]}, {"a": [0] * (ONE_EVENT // 2)}),
    ({"$or": [{"a": [f"{n:x}"]} for n in range(45)]}, {"a": [[]] * (ONE_EVENT // 3)}),
    ({"a": [{"wildcard": f"*{'a' * 60}b{n}{'a' * 30}*"} for n in range(60)]}, {"a": "a" * (ONE_EVENT - 10)}),
    ({"a": [{"prefix": {"equals-ignore-case": f"x{n}"}} for n in range(98)]}, {"a": "\u00df" * (ONE_EVENT // 2 - 10)}),
]


@pytest.mark.parametrize(("pattern", "data"), HOSTILE)
def test_a_match_takes_no_more_than_its_steps(pattern: Json, data: Json) -> None:
    wanted, effort = compile_filter(json.dumps(pattern)), Effort(MOST_STEPS)
    began_s = time.thread_time()
    assert wanted.matches(data, effort), "who cannot be asked gets the event"
    assert time.thread_time() - began_s < 1
    assert effort.is_spent


LARGE: list[Callable[[int], Json]] = [
    lambda many: {"a": [1_000_000 + n for n in range(many)]},
    lambda many: {"a": [f"{n:x}" for n in range(many)]},
    lambda many: {"a": [f"aaaa{n:04d}\U0001f600" for n in range(many)]},
    lambda many: {"a": [f"aaaaaaaaaaaaa{n:04d}\U0001f600" for n in range(many)]},
    lambda many: {f"{n:x}": [1] for n in range(many)},
    lambda many: {f"{n:x}": [1, 2, 3, 4, 5, 6, 7, 8, 9] for n in range(many)},
    lambda many: {f"{'a' * 60}{n:x}\U0001f600": [1] for n in range(many)},
    lambda many: {f"{n:x}": {"a": [1]} for n in range(many)},
    lambda many: {f"{n:x}": [{"anything-but": [1, 2, 3, 4, 5, 6, 7, 8, 9]}] for n in range(many)},
    lambda many: {"$or": [{"a": [n]} for n in range(many)]},
    lambda many: {"a": [{"prefix": f"{n:x}"} for n in range(many)]},
    lambda many: {"a": [{"wildcard": "*".join("abcdefghijklmnop")} for n in range(many)]},
    lambda many: {"a": [{"equals-ignore-case": "\ufb03" * 20} for n in range(many)]},
    lambda many: {"a": [{"numeric": [">", n, "<", 1_000_000 + n]} for n in range(many)]},
    lambda many: {"a": ["x" * 8_000 + "\U0001f600"] * min(many, 1)},
]


@pytest.mark.parametrize("make", LARGE)
def test_the_largest_filters_take_no_more_memory_than_is_said(make: Callable[[int], Json]) -> None:
    accepted = [size for many in range(1, MAX_PARTS + 1, 3) if (size := compiled_bytes(make(many))) is not None]
    assert accepted
    assert max(accepted) <= MAX_COMPILED_BYTES


def compiled_bytes(pattern: Json) -> int | None:
    try:
        return bytes_of(compile_filter(json.dumps(pattern, ensure_ascii=False, separators=(",", ":"))), set())
    except FilterInvalid:
        return None


def bytes_of(it: object, seen: set[int]) -> int:
    """All that it holds, each thing once."""
    if id(it) in seen:
        return 0
    seen.add(id(it))
    inside: list[object] = []
    if is_dataclass(it):
        inside = [getattr(it, each.name) for each in fields(it)]
    elif isinstance(it, tuple | frozenset):
        inside = list(it)
    return sys.getsizeof(it) + sum(bytes_of(each, seen) for each in inside)


def test_true_is_not_one_and_one_is_one_point_zero_among_many_values() -> None:
    many: list[Json] = [*range(100), "true", True, None]
    wanted = compile_filter(json.dumps({"a": many}))
    assert all(wanted.matches({"a": value}) for value in (1, 1.0, 99, "true", True, None))
    assert not any(wanted.matches({"a": value}) for value in (False, 100, "1", "null", 0.5))
    assert not compile_filter('{"a": [1, 0]}').matches({"a": True})
