"""How a tenant's name travels in a header: every one that can be there, and no other by mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.control.tenant_header import read, written
from consumer.text import is_name
from consumer.webhooks.fields import check_tenant
from consumer.webhooks.wrong import Code, FieldInvalid


def can_be(name: str) -> bool:
    try:
        check_tenant("tenant", name)
    except FieldInvalid:
        return False
    return True


NAMES = st.one_of(st.text(max_size=20), st.text("utf-8'%2 é", max_size=20), st.from_regex("(?i)utf-8'.*"))


@given(NAMES)
def test_every_tenant_is_read_as_it_was_written_and_whatever_cannot_be_is_not_written(name: str) -> None:
    if can_be(name):
        value = written(name)
        assert value.isascii()
        assert value.isprintable()
        assert value == value.strip()
        assert read(value) == name
    else:
        with pytest.raises(FieldInvalid):
            written(name)


@given(NAMES)
def test_a_tenant_is_what_an_event_may_name_without_spaces_at_its_ends(name: str) -> None:
    assert can_be(name) == (is_name(name) and name.strip(" ") == name)


@given(st.one_of(st.binary(max_size=30), NAMES.map(lambda name: name.encode("utf-8", "surrogatepass"))))
def test_of_two_tenants_that_are_read_from_one_header_there_are_none(value: bytes) -> None:
    """Whatever bytes come: one tenant that can be, or a refusal."""
    try:
        tenant = read(value.decode("latin-1"))
    except FieldInvalid:
        return
    assert can_be(tenant)
    assert value.isascii()
    assert read(written(tenant)) == tenant


@pytest.mark.parametrize(
    ("value", "tenant"),
    [
        ("acme", "acme"),
        ("acme corp", "acme corp"),
        ("50% off", "50% off"),
        ("UTF-8''m%C3%BCnchen", "münchen"),
        ("utf-8'de-DE'm%c3%bcnchen", "münchen"),
        ("UTF-8''acme", "acme"),
        ("UTF-8''acme%20corp", "acme corp"),
        ("UTF-8''UTF-8%27%27x", "UTF-8''x"),
        ("o'brien's", "o'brien's"),
        ("ISO-8859-1''m%FCnchen", "ISO-8859-1''m%FCnchen"),
    ],
)
def test_one_form_is_for_ascii_and_one_for_all(value: str, tenant: str) -> None:
    assert read(value) == tenant


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("münchen".encode().decode("latin-1"), Code.FORBIDDEN_CHARACTER),
        ("münchen", Code.FORBIDDEN_CHARACTER),
        ("UTF-8''münchen", Code.FORBIDDEN_CHARACTER),
        ("UTF-8''m%FCnchen", Code.MALFORMED),
        ("UTF-8''m%C3", Code.MALFORMED),
        ("UTF-8''100%", Code.MALFORMED),
        ("UTF-8''acme corp", Code.MALFORMED),
        ("UTF-8'acme", Code.MALFORMED),
        ("UTF-8'd e'acme", Code.MALFORMED),
        ("UTF-8''a%0Ab", Code.FORBIDDEN_CHARACTER),
        ("UTF-8''%20acme", Code.FORBIDDEN_CHARACTER),
        ("UTF-8''", Code.EMPTY),
        ("a\tb", Code.FORBIDDEN_CHARACTER),
        ("", Code.EMPTY),
        ("x" * 201, Code.TOO_LONG),
    ],
)
def test_what_names_none_is_refused(value: str, code: Code) -> None:
    with pytest.raises(FieldInvalid) as caught:
        read(value)
    assert [(wrong.field, wrong.code) for wrong in caught.value.wrong] == [("Hookline-Tenant", code)]
