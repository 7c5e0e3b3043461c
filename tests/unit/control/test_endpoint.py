"""What is said of a URL whose host is nowhere, or where nobody is called; the address table says where that is."""

import pytest
from pydantic import SecretStr

from consumer.control.endpoint import check_endpoint, check_for_operator
from consumer.control.resolve import Resolve
from consumer.delivery.names import Addresses, NoAddress, Resolution, Unanswered
from consumer.settings import Settings
from consumer.webhooks.wrong import FieldInvalid

PLAIN = Settings()
PUBLIC = Addresses(("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"))


def knowing(resolution: Resolution) -> Resolve:
    return lambda _host: resolution


def said(
    url: str, resolution: Resolution = PUBLIC, *, for_operator: bool = False, settings: Settings = PLAIN
) -> str | None:
    try:
        check = check_for_operator if for_operator else check_endpoint
        check(url, settings, resolve=knowing(resolution))
    except FieldInvalid as refused:
        return refused.message if refused.field == "url" else refused.field
    return None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://bücher.example/",
        "https://93.184.215.14/",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443/",
        "https://10.example/",
    ],
)
def test_what_is_public_passes(url: str) -> None:
    assert said(url) is None


def test_a_name_is_asked_for_as_it_is_stored_and_an_address_is_not() -> None:
    asked: list[str] = []

    def resolve(host: str) -> Resolution:
        asked.append(host)
        return PUBLIC

    for url in ("https://BÜCHER.example/", "https://example.com.:8443/", "https://1.1.1.1/", "https://[2001:200::1]/"):
        check_endpoint(url, PLAIN, resolve=resolve)
    assert asked == ["xn--bcher-kva.example", "example.com."]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "api.localhost"])
def test_localhost_is_this_machine_whatever_a_resolver_makes_of_it(host: str) -> None:
    assert said(f"https://{host}/") is not None
    lifted = Settings(allow_networks=("127.0.0.0/8",))
    assert said(f"https://{host}/", NoAddress(), settings=lifted) is None


@pytest.mark.parametrize("inside", ["10.1.2.3", "fd00::1", "169.254.169.254"])
@pytest.mark.parametrize("beside", [(), ("93.184.215.14",)])
def test_a_customer_cannot_tell_a_name_that_leads_inside_from_one_that_leads_nowhere(
    inside: str, beside: tuple[str, ...]
) -> None:
    words = said("https://internal.example/", Addresses((*beside, inside)))
    assert words == said("https://internal.example/", NoAddress())
    assert words is not None
    assert "resolves to public addresses" in words
    assert inside not in words
    assert "internal" not in words


def test_an_operator_is_told_the_address_the_reason_and_the_setting() -> None:
    words = said("https://internal.example/", Addresses(("93.184.215.14", "10.1.2.3")), for_operator=True)
    assert words is not None
    assert "10.1.2.3" in words
    assert "private use" in words
    assert "HOOKLINE_ALLOW_NETWORKS=10.1.2.3/32" in words
    assert "HOOKLINE_ALLOW_NETWORKS=::1/128" in str(said("https://[::1]/", for_operator=True))


@pytest.mark.parametrize("resolution", [NoAddress(), Unanswered()])
def test_an_operator_may_name_a_host_that_is_not_known_here_and_is_told_so(resolution: Resolution) -> None:
    url = "https://nowhere.example/"
    assert said(url, resolution) is not None
    assert said(url, resolution, for_operator=True) is None
    notice = check_for_operator(url, PLAIN, resolve=knowing(resolution))
    assert notice is not None
    assert notice.startswith("nowhere.example ")


def test_a_resolver_that_does_not_answer_is_said_to() -> None:
    assert "could not be looked up now" in str(said("https://a.example/", Unanswered()))


def test_an_address_is_named_by_what_to_do() -> None:
    words = said("https://10.1.2.3/")
    assert words is not None
    assert "use a public address" in words
    assert "HOOKLINE" not in words


def test_the_settings_lift_it() -> None:
    lifted = Settings(allow_http=True, allow_networks=("127.0.0.0/8", "10.0.0.0/8"))
    for url in ("http://127.0.0.1:8080/", "http://localhost:25/", "http://1.1.1.1/", "http://[::ffff:127.0.0.1]/"):
        assert said(url, settings=lifted) is None
    assert said("http://inside.example/", Addresses(("10.1.2.3",)), settings=lifted) is None
    assert said("http://inside.example/", Addresses(("10.1.2.3", "192.168.0.1")), settings=lifted) is not None
    assert said("http://192.168.0.1/", settings=lifted) is not None


def test_what_is_granted_to_a_tenant_is_written_by_him_alone_and_at_its_port() -> None:
    settings = Settings(tenant_networks=("acme=10.20.0.0/16:8443", "acme=10.30.0.0/16"))
    inside = knowing(Addresses(("10.20.0.1",)))
    for url in ("https://inside.example:8443/", "https://10.20.0.1:8443/", "https://10.30.0.1/"):
        check_endpoint(url, settings, resolve=inside, tenant="acme")
        assert check_for_operator(url, settings, resolve=inside, tenant="acme") is None
        for other in ("Acme", "other"):
            with pytest.raises(FieldInvalid) as refused:
                check_endpoint(url, settings, resolve=inside, tenant=other)
            assert "10.20" not in refused.value.message
            assert "HOOKLINE" not in refused.value.message
    with pytest.raises(FieldInvalid, match="resolves to public addresses"):
        check_endpoint("https://inside.example/", settings, resolve=inside, tenant="acme")
    with pytest.raises(FieldInvalid, match=r"HOOKLINE_TENANT_NETWORKS=acme=10\.20\.0\.1/32 for this one alone"):
        check_for_operator("https://inside.example/", settings, resolve=inside, tenant="acme")


def test_the_fix_is_named_for_http_only_where_it_is_the_fix() -> None:
    assert "HOOKLINE_ALLOW_HTTP=true" in str(said("HTTP://example.com/", for_operator=True))
    assert "HOOKLINE_ALLOW_HTTP" not in str(said("HTTP://example.com/"))
    assert "HOOKLINE_ALLOW_HTTP" not in str(said("ftp://example.com/", for_operator=True))


def test_where_the_proxy_guards_no_name_is_looked_up_here() -> None:
    settings = Settings(
        egress_proxy=SecretStr("http://proxy.test:3128"), egress_check=("www.example.com:443",), egress_guard="proxy"
    )

    def nobody(host: str) -> Resolution:
        raise AssertionError(f"{host} was looked up")

    check_endpoint("https://hooks.internal/hook", settings, resolve=nobody)
    assert check_for_operator("https://hooks.internal/hook", settings, resolve=nobody) is None
    with pytest.raises(FieldInvalid):
        check_endpoint("ftp://hooks.internal/hook", settings, resolve=nobody)
