import pytest

from consumer.control.endpoint import check_endpoint
from consumer.settings import Settings
from consumer.webhooks.fields import FieldInvalid

PLAIN = Settings()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a00:1]",
        "[64:ff9b::a00:1]",
        "[fe80::1]",
        "[fc00::1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST.",
        "api.localhost",
        "１２７.0.0.1",  # noqa: RUF001 # full-width digits, which IDNA folds into 127
    ],
)
def test_an_address_that_is_never_called_is_refused_with_the_setting(host: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        check_endpoint(f"https://{host}/hook", PLAIN)
    assert refused.value.field == "url"
    assert "HOOKLINE_ALLOW_NETWORKS=" in refused.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
        "https://10.example/",
    ],
)
def test_names_and_public_addresses_pass(url: str) -> None:
    check_endpoint(url, PLAIN)


def test_the_settings_lift_it() -> None:
    lifted = Settings(allow_http=True, allow_networks=("127.0.0.0/8", "::1/128"))
    for url in ("http://127.0.0.1:8080/", "http://localhost/", "https://0x7f.1/", "http://[::1]:1/"):
        check_endpoint(url, lifted)
    with pytest.raises(FieldInvalid):
        check_endpoint("http://10.0.0.1/", lifted)


def test_the_fix_is_named_for_http_only_where_it_is_the_fix() -> None:
    with pytest.raises(FieldInvalid, match="HOOKLINE_ALLOW_HTTP=true"):
        check_endpoint("HTTP://example.com/", PLAIN)
    with pytest.raises(FieldInvalid) as refused:
        check_endpoint("ftp://example.com/", PLAIN)
    assert "HOOKLINE_ALLOW_HTTP" not in refused.value.message
