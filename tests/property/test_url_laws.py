"""What a URL becomes when it is stored, and that nobody reads it otherwise afterwards."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.webhooks.host import stored_host
from consumer.webhooks.url import MAX_URL_LENGTH, origin_of, stored_url
from consumer.webhooks.wrong import FieldInvalid

# Pieces that parsers disagree about, put together in every order.
PIECES = st.sampled_from(
    [
        "example", "EXAMPLE", "xn--", "bücher", "☃", "\uff11\uff12\uff17", "127", "0x7f", "0177", "1", ".", "\u3002",
        ":", "443", "[", "]", "::1", "%00", "%2e", "%25", "@", "/", "//", "\\", "?", "#", ";", "-", "_", "\u200d",
        "\u00ad", "ß", "\u0131", "\u212a",
    ]
)  # fmt: skip
HOSTS = st.lists(PIECES, max_size=8).map("".join)
URLS = st.one_of(
    st.text(max_size=80),
    HOSTS.map("https://{}/hook".format),
    st.tuples(HOSTS, st.text(max_size=20)).map(lambda parts: f"https://{parts[0]}{parts[1]}"),
)


@given(URLS)
@example("https://a\u00ad.example/")
def test_what_is_stored_is_ascii_stays_as_it_is_and_reads_alike_everywhere(url: str) -> None:
    try:
        stored = stored_url(url, allow_http=False)
    except FieldInvalid:
        return
    assert stored.isascii()
    assert len(stored) <= MAX_URL_LENGTH
    assert stored_url(stored, allow_http=False) == stored
    parts, theirs = urlsplit(stored), httpx.URL(stored)
    assert (parts.username, parts.password, parts.fragment) == (None, None, "")
    scheme, host, port = origin_of(stored)
    assert (scheme, host, port) == (theirs.scheme, theirs.raw_host.decode(), theirs.port or 443)


@given(HOSTS)
def test_a_host_is_a_name_or_one_address_and_never_a_number(host: str) -> None:
    try:
        stored = stored_host(host)
    except FieldInvalid:
        return
    last = stored.removesuffix(".").rpartition(".")[2]
    if stored.startswith("[") or last.isdigit():
        assert str(ip_address(stored.strip("[]"))) == stored.strip("[]")
    assert not re.fullmatch("0x[0-9a-f]*", last)
    assert stored == stored.lower()


@given(st.ip_addresses())
def test_every_address_is_stored_as_it_is_usually_written(address: object) -> None:
    text = str(address)
    assert stored_host(f"[{text}]" if ":" in text else text).strip("[]") == text
