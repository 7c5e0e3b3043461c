import pytest

from consumer.webhooks.ordering import is_ordering, line_of


@pytest.mark.parametrize("chosen", ["none", "key", "data.id", "data.a.b.c.d.e.f.g.h", "data.größe"])
def test_what_an_ordering_may_be(chosen: str) -> None:
    assert is_ordering(chosen)


NOT: tuple[str, ...] = ("", "Key", "data", "data.", "data..a", "id", "data.a.b.c.d.e.f.g.h.i", "data." + "a" * 256)


@pytest.mark.parametrize("chosen", NOT)
def test_what_it_may_not_be(chosen: str) -> None:
    assert not is_ordering(chosen)


def _differ(one: str, other: str) -> list[int]:
    """Which parts of two lines do: 0 the tenant's, 1 the webhook's, 2 the key's."""
    return [part for part in range(3) if one[12 * part :][:12] != other[12 * part :][:12]]


def test_a_line_is_of_one_tenant_one_webhook_and_one_key() -> None:
    line = line_of("acme", "wh_1", "key", b"a", b"{}")
    assert line is not None
    assert len(line) == 36
    assert line == line_of("acme", "wh_1", "key", b"a", b'{"n":1}')
    other_key, other_webhook = line_of("acme", "wh_1", "key", b"b", b"{}"), line_of("acme", "wh_2", "key", b"a", b"{}")
    other_tenant = line_of("other", "wh_1", "key", b"a", b"{}")
    assert other_key is not None
    assert other_webhook is not None
    assert other_tenant is not None
    assert [_differ(line, other) for other in (other_key, other_webhook, other_tenant)] == [[2], [1], [0]]


def test_an_empty_key_is_a_key_and_no_key_is_none() -> None:
    assert line_of("acme", "wh_1", "key", b"", b"{}") is not None
    assert line_of("acme", "wh_1", "key", None, b"{}") is None


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"a":null}', b'{"a":[1]}', b'{"a":{}}', b'{"a":{"b":1}}', b'"a"'])
def test_an_event_without_a_text_number_or_truth_at_the_path_has_no_line(data: bytes) -> None:
    assert line_of("acme", "wh_1", "data.a", b"k", data) is None


def test_values_are_keys_as_they_are() -> None:
    values = [b'"1"', b"1", b"1.0", b"true", b'"true"', b"false", b"0", b'""', b"1e309", b"1" + b"0" * 400]
    lines = [line_of("acme", "wh_1", "data.a", None, b'{"a":' + value + b"}") for value in values]
    assert None not in lines
    assert len(set(lines)) == len(values)


def test_a_path_goes_down() -> None:
    deep = line_of("acme", "wh_1", "data.a.b", None, b'{"a":{"b":"x"}}')
    assert deep is not None
    assert deep == line_of("acme", "wh_1", "data.a.b", b"k", b'{"a":{"b":"x","c":1}}')
