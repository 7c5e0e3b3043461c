"""How a delivery process is put together: what the settings grant to one tenant."""

from ipaddress import ip_network

from consumer.delivery.answer import Failure
from consumer.delivery.names import Names
from consumer.roles.pool import names_of, target_of
from consumer.settings import Settings
from tests.deliveries import KEYRING, NOW_MS, event, subscription

INSIDE = "10.20.0.1"
GRANTED = Settings(tenant_networks=(f"acme={INSIDE}/32:8443",))


def test_names_are_judged_for_their_tenant_where_anything_is_granted() -> None:
    assert type(names_of(Settings())) is Names
    names = names_of(GRANTED)
    assert names.look("acme", INSIDE, NOW_MS) == (INSIDE,)
    assert isinstance(names.look("other", INSIDE, NOW_MS), Failure)


def test_requests_carry_what_is_granted_to_their_tenant_at_their_port() -> None:
    target_for = target_of(GRANTED, KEYRING, None)

    def granted(tenant: str, url: str) -> object:
        signer = target_for(subscription(tenant=tenant, url=url)).signer
        asked = signer.request(
            event=event(tenant=tenant), body=b"{}", content_type="a/b", now_ms=NOW_MS, addresses=(INSIDE,)
        )
        return asked.granted

    assert granted("acme", "https://inside.example:8443/") == (ip_network(f"{INSIDE}/32"),)
    for tenant, url in (
        ("acme", "https://inside.example/"),
        ("Acme", "https://inside.example:8443/"),
        ("other", "https://inside.example:8443/"),
    ):
        assert granted(tenant, url) == ()
