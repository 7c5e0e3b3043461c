import pytest

from consumer.webhooks.url import check_url, stored_url
from consumer.webhooks.wrong import FieldInvalid


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://example.com", "https://example.com"),
        ("https://EXAMPLE.com:8443/a?b=c&d=%20", "https://example.com:8443/a?b=c&d=%20"),
        ("HTTPS://example.com/", "https://example.com/"),
        ("https://bücher.example/käse?ü=1", "https://xn--bcher-kva.example/k%C3%A4se?%C3%BC=1"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),  # IDNA 2008; IDNA 2003 made it fass
        ("https://BÜCHER。example/", "https://xn--bcher-kva.example/"),  # an ideographic full stop
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://раypal.example/", "https://xn--ypal-43d9g.example/"),  # noqa: RUF001 # Cyrillic and Latin
        ("https://１９２.0.2.1/", "https://192.0.2.1/"),  # noqa: RUF001 # full-width digits
        ("https://r3---sn-a.example/", "https://r3---sn-a.example/"),
        ("https://example.com:/x", "https://example.com/x"),
        ("https://example.com:08443/x", "https://example.com:8443/x"),
        ("https://[2001:DB8:0:0::1]/", "https://[2001:db8::1]/"),
        ("https://[::ffff:192.0.2.1]/", "https://[::ffff:c000:201]/"),
        ("https://my_service.internal./x", "https://my_service.internal./x"),
        ("https://[2001:db8::1]:8080/x", "https://[2001:db8::1]:8080/x"),
        ("https://192.0.2.1/x", "https://192.0.2.1/x"),
        ("https://hooks.slack.com/services/T0/B0/x-_~", "https://hooks.slack.com/services/T0/B0/x-_~"),
    ],
)
def test_a_url_is_stored_in_ascii(url: str, stored: str) -> None:
    assert stored_url(url, allow_http=False) == stored
    assert stored_url(stored, allow_http=False) == stored


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("", "https://"),
        ("example.com/x", "https://"),
        ("http://example.com", "https://"),
        ("ftp://example.com", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https:example.com", "name a host"),
        ("https:///x", "name a host"),
        ("https://", "name a host"),
        ("https://user:pw@example.com", "password"),
        ("https://@example.com", "password"),
        ("https://example.com/#x", "fragment"),
        ("https://example.com/#", "fragment"),
        ("https://example.com/a b", "spaces"),
        (" https://example.com", "spaces"),
        ("https://example.com/\r\nHost: x", "spaces"),
        ("https://example.com\\@evil.example", "backslashes"),
        ("https://exa\tmple.com", "spaces"),
        ("https://example.com:0/", "port"),
        ("https://example.com:65536/", "port"),
        ("https://example.com:http/", "port"),
        ("https://exa..mple.com", "domain name"),
        ("https://-example.com", "domain name"),
        ("https://exam%70le.com", "domain name"),
        ("https://exa$mple.com", "domain name"),
        ("https://[fe80::1%25eth0]/", "malformed"),
        ("https://[fe80::1%eth0]/", "malformed"),
        ("https://[v1.example.com]/", "malformed"),
        ("https://[example.com]/", "malformed"),
        ("https://[192.0.2.1]/", "malformed"),
        ("https://evil.example[2001:db8::1]/", "malformed"),
        ("https://[2001:db8::1]evil.example/", "malformed"),
        ("https://[2001:db8::1]evil.example:443/", "malformed"),
        ("https://[2001:db8:::1]/", "malformed"),
        ("https://2001:db8::1/", "malformed"),
        ("https://example.com:443:443/", "malformed"),
        ("https://example.com：8443/", "malformed"),  # noqa: RUF001 # a full-width colon
        ("https://example.com／a/", "malformed"),  # noqa: RUF001 # a full-width slash
        ("https://example.com:٤٤٣/", "port"),
        ("https://example.com:+443/", "port"),
        ("https://example.com:-1/", "port"),
        ("https://example.com:999999999999999999999/", "port"),
        ("https://example.com:22/", "another protocol"),
        ("https://example.com:25/", "another protocol"),
        ("https://example.com:0025/", "another protocol"),
        ("https://example.com:6667/", "another protocol"),
        ("https://127.1/", "four decimal numbers"),
        ("https://2130706433/", "four decimal numbers"),
        ("https://0x7f000001/", "four decimal numbers"),
        ("https://0x7F.1/", "four decimal numbers"),
        ("https://0x/", "four decimal numbers"),
        ("https://0177.0.0.1/", "four decimal numbers"),
        ("https://192.0.2.1./", "four decimal numbers"),
        ("https://192.0.2.256/", "four decimal numbers"),
        ("https://192.0.2.1.5/", "four decimal numbers"),
        ("https://example.1/", "four decimal numbers"),
        ("https://example.0x1f/", "four decimal numbers"),
        ("https://xn--a.example/", "domain name"),
        ("https://xn--.example/", "domain name"),
        ("https://a\u200db.example/", "domain name"),
        ("https://☃.example/", "domain name"),
        ("https://a_ü.example/", "domain name"),
        ("https://./", "domain name"),
        ("https://example.com../", "domain name"),
        ("https://[::1", "malformed"),
        ("https://" + "a" * 64 + ".example", "domain name"),
        ("https://" + "ü" * 64 + ".example", "domain name"),
        ("https://example.com/" + "a" * 2048, "2048"),
        ("https://example.com/" + "ü" * 1000, "2048"),
        ("https://example.com/\ud800", "control"),
    ],
)
def test_an_unfit_url_is_refused_with_the_fix(url: str, fix: str) -> None:
    with pytest.raises(FieldInvalid) as caught:
        check_url(url, allow_http=False)
    assert caught.value.field == "url"
    assert fix in caught.value.message


def test_http_by_permission() -> None:
    check_url("http://127.0.0.1:9000/x", allow_http=True)


def test_development_may_use_any_port() -> None:
    check_url("http://127.0.0.1:25/x", allow_http=True)
    with pytest.raises(FieldInvalid, match="65535"):
        check_url("http://127.0.0.1:0/x", allow_http=True)
