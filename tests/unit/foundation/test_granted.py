"""Networks that are granted to one tenant: how they are written, whose they are, and which addresses they have."""

from ipaddress import ip_network

import pytest

from consumer.granted import Grant, Grants, grant, lets

INSIDE = (ip_network("10.20.0.0/16"), ip_network("fd12::/64"))


@pytest.mark.parametrize(
    ("text", "tenant", "network", "port"),
    [
        ("acme=10.20.0.0/16", "acme", "10.20.0.0/16", None),
        ("acme=10.30.0.5/32:8443", "acme", "10.30.0.5/32", 8443),
        ("acme=10.30.0.5", "acme", "10.30.0.5/32", None),
        ("acme=fd12::/64", "acme", "fd12::/64", None),
        ("acme=[fd12::/64]:443", "acme", "fd12::/64", 443),
        ("a = b, & sons=10.0.0.0/8", "a = b, & sons", "10.0.0.0/8", None),
        ("acme:eu=fd12::1", "acme:eu", "fd12::1/128", None),
    ],
)
def test_a_grant_is_read_as_it_is_written(text: str, tenant: str, network: str, port: int | None) -> None:
    assert grant(text) == Grant(tenant=tenant, network=ip_network(network), port=port)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10.20.0.0/16", "write TENANT=NETWORK"),
        ("=10.20.0.0/16", "write TENANT=NETWORK"),
        ("acme =10.20.0.0/16", "write TENANT=NETWORK"),
        ("acme=", "write TENANT=NETWORK"),
        ("acme=10.20.0.0/16:0", "CIDR notation"),
        ("acme=10.20.0.0/16:65536", "write TENANT=NETWORK"),
        ("acme=10.20.0.0/16:https", "CIDR notation"),
        ("acme=inside.example", "CIDR notation"),
        ("acme=10.20.0.1/16", "host bits set"),
        ("acme=0.0.0.0/0", "wider than any private network"),
        ("acme=10.0.0.0/7", "wider than any private network"),
        ("acme=::/0", "wider than any private network"),
    ],
)
def test_what_is_refused_says_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        grant(text)
    assert repr(text) in str(refused.value)


def test_a_grant_is_its_tenants_by_the_exact_name_and_at_its_port() -> None:
    grants = Grants(map(grant, ("acme=10.20.0.0/16", "acme=10.30.0.5/32:8443", "Acme=10.40.0.0/16")))
    assert grants.at("acme", 443) == (ip_network("10.20.0.0/16"),)
    assert grants.at("acme", 8443) == (ip_network("10.20.0.0/16"), ip_network("10.30.0.5/32"))
    assert grants.at_any_port("acme") == grants.at("acme", 8443)
    assert grants.at("Acme", 443) == (ip_network("10.40.0.0/16"),)
    for other in ("ACME", "acme ", " acme", "acm", "acme2", "", "\uff41cme"):
        assert grants.at(other, 443) == grants.at_any_port(other) == ()
    assert set(grants.tenants) == {"acme", "Acme"}


@pytest.mark.parametrize(
    ("address", "has"),
    [
        ("10.20.255.255", True),
        ("10.21.0.0", False),
        ("::ffff:10.20.0.1", True),  # a socket connects to the IPv4 address
        ("::ffff:10.21.0.1", False),
        ("64:ff9b::10.20.0.1", False),
        ("2002:0a14:0001::1", False),
        ("::10.20.0.1", False),
        ("fd12::1", True),
        ("fd12::1%eth0", False),
        ("fd12:0:0:1::1", False),
        ("10.20.1", False),
        ("inside.example", False),
        ("", False),
    ],
)
def test_a_network_has_its_own_addresses(address: str, has: bool) -> None:
    assert lets(INSIDE, address) is has


@pytest.mark.parametrize(
    ("network", "address", "has"),
    [
        ("169.254.0.0/16", "169.254.169.254", False),
        ("169.254.0.0/16", "169.254.1.1", True),
        ("169.254.169.254/31", "169.254.169.254", False),
        ("169.254.169.254/32", "169.254.169.254", True),
        ("169.254.169.254/32", "::ffff:169.254.169.254", True),
        ("169.254.0.0/16", "::ffff:a9fe:a9fe", False),
        ("169.254.170.0/24", "169.254.170.2", False),
        ("100.64.0.0/10", "100.100.100.200", False),
        ("fd00::/8", "fd00:ec2::254", False),
        ("fd00:ec2::254/128", "fd00:ec2::254", True),
    ],
)
def test_where_a_cloud_tells_secrets_only_that_one_address_can_be_granted(
    network: str, address: str, has: bool
) -> None:
    assert lets([ip_network(network)], address) is has
