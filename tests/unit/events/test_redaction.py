"""Parts of an event's data are replaced, and everything else stays as it was written."""

import pytest

from consumer.events.redaction import NotRedactable, paths_of, redacted


@pytest.mark.parametrize(
    ("path", "data", "without"),
    [
        ("data.card", b'{"card":{"number":"4111","cvc":1},"n":1}', b'{"card":"[redacted]","n":1}'),
        ("$.data.card.number", b'{"card":{"number":"4111","cvc":1}}', b'{"card":{"number":"[redacted]","cvc":1}}'),
        (
            "data.items[*].email",
            b'{"items":[{"email":"a"},7,{"x":{}}]}',
            b'{"items":[{"email":"[redacted]"},7,{"x":{}}]}',
        ),
        ("data.items.email", b'{"items":[[{"email":null}]]}', b'{"items":[[{"email":"[redacted]"}]]}'),
        (
            "data.*.email",
            b'{"a":{"email":1},"b":{"email":2}}',
            b'{"a":{"email":"[redacted]"},"b":{"email":"[redacted]"}}',
        ),
        ("data.card", b'{"c\\u0061rd":1}', b'{"card":"[redacted]"}'),
        ("data.card", b'{"card":"one","card":"two"}', b'{"card":"[redacted]"}'),
        ("data.card", b' [ {"card" : 1} ] ', b'[{"card":"[redacted]"}]'),
        ("data.data", b'{"data":1}', b'{"data":"[redacted]"}'),
    ],
)
def test_what_stands_at_a_path_is_replaced_whole(path: str, data: bytes, without: bytes) -> None:
    assert redacted(data, paths_of([path])) == without


def test_all_else_is_as_it_was_written() -> None:
    data = b'{"big":123456789012345678901234567890,"exact":1.10,"huge":1e999,"text":"\\u00e9","card":1}'
    found = redacted(data, paths_of(["data.card"]))
    assert found == data.replace(b'"card":1', b'"card":"[redacted]"')


def test_a_path_and_what_is_below_it() -> None:
    for paths in (["data.a", "data.a.b"], ["data.a.b", "data.a"]):
        assert redacted(b'{"a":{"b":1,"c":2}}', paths_of(paths)) == b'{"a":"[redacted]"}'
    both = paths_of(["data.a.b", "data.*.c"])
    assert redacted(b'{"a":{"b":1,"c":2,"d":3}}', both) == b'{"a":{"b":"[redacted]","c":"[redacted]","d":3}}'


@pytest.mark.parametrize("data", [b"{}", b"7", b'"card"', b"null", b"[]", b'{"other":{"card":1}}', b'{"card2":1}'])
def test_where_nothing_stands_nothing_is_made(data: bytes) -> None:
    assert redacted(data, paths_of(["data.card"])) is None


@pytest.mark.parametrize("data", [b'{"card":', b"[" * 40 + b"]" * 40, b'{"a":1}x'])
def test_what_cannot_be_gone_through_is_not_taken_for_data_without_it(data: bytes) -> None:
    with pytest.raises(NotRedactable):
        redacted(data, paths_of(["data.card"]))


def test_depth_beside_the_paths_costs_nothing() -> None:
    assert redacted(b'{"x":' + b"[" * 400 + b"]" * 400 + b',"card":1}', paths_of(["data.card"])) is not None
