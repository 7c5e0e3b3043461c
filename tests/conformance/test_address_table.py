"""Nobody gets in: the address table at creation and at connect time, through every engine, in every notation.

At connect time nothing here sends a packet to an address that is not this machine's: where an address must pass, the
guard says so to the test and stops the engine there.
"""

import threading
from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from consumer.control.endpoint import check_endpoint, check_for_operator
from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.delivery.names import Addresses, NoAddress
from consumer.http.guard import AddressGuard
from consumer.settings import Settings
from consumer.webhooks.wrong import FieldInvalid
from tests.conformance.addresses import in_url, rows
from tests.conformance.conftest import Opener
from tests.conformance.scripted import Endpoint, Line, ask, finish, request

TABLE = dict(rows())
PLAIN = Settings(allow_http=True)

# This machine, as libc, libcurl or a browser would read it.
LOOPBACK = """
127.0.0.1 127.1 127.0.1 127.0.0.1. 0177.1 0177.0.0.1 0177.0.0.01 0x7f.1 0x7f.0.0.1 0X7F.0.0.0x1 0x7f000001 0x7f.01
2130706433 017700000001 127.000.000.001 127.0x0.0.1 localhost LOCALHOST localhost. LocalHost. api.localhost 0 0.0.0.0
0x0 [::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1] [::127.0.0.1]
[::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::127.0.0.1] [2002:7f00:1::] [::1%lo] [::1%25lo]
１２７.0.0.1 １２７.1 ①②⑦.⓪.⓪.① 127。0。0。1 127．0．0．1 ｌｏｃａｌｈｏｓｔ ⓛocalhost %31%32%37.0.0.1 127%2e0%2e0%2e1
%6c%6f%63alhost [v1.127.0.0.1] [127.0.0.1] [localhost] example.com[::1] [::1]example.com
""".split()  # noqa: RUF001, SIM905 # look-alikes are the point; a table reads better than a column

# Other addresses of the table in the same disguises.
DISGUISED = """
10.1 012.0.0.1 0xa.1 0xa000001 167772161 01200000001 192.168.257 0xc0.0xa8.0.1 0300.0250.0.1 3232235521 172.1048577
169.254.43518 0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 2852039166 0251.0376.0251.0376 025177524776 169.254.169.254. 100.4194305
4294967295 0xffffffff 037777777777 224.1 0xe0000001 １０.0.0.1 169。254。169。254 [::ffff:a9fe:a9fe] [64:ff9b::a00:1]
[2001:470:0:0:0:5efe:a00:1] [fe80::1%eth0] [fe80::1%25eth0] [FE80::1] [fd00:ec2::254]
""".split()  # noqa: RUF001, SIM905 # same

REFUSED = sorted(address for address, public in TABLE.items() if not public)
PASSING = sorted(address for address, public in TABLE.items() if public)


def may_be_written(url: str, *found: str) -> bool:
    try:
        check_endpoint(url, PLAIN, resolve=lambda _host: Addresses(found))
    except FieldInvalid as refused:
        return refused.field != "url"
    return True


def answers_to(open_engine: Opener, guard: AddressGuard, urls: Sequence[str]) -> dict[str, Answer]:
    transport = open_engine(guard)
    for token, url in enumerate(urls):
        transport.submit(token, request(url, timeout_ms=15_000))
    answers = finish(transport, within_s=20)
    return {url: answers[token] for token, url in enumerate(urls)}


class Witness(AddressGuard):
    """Notes what the guard says of each address it is asked about, and lets none through."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: set[str] = set()
        self._lock = threading.Lock()

    def refuses(self, address: str) -> str | None:
        if super().refuses(address) is None:
            with self._lock:
                self.passed.add(address)
        return "only looking"


def test_the_table_is_as_long_as_was_asked_for() -> None:
    assert len(REFUSED) + len(LOOPBACK) + len(DISGUISED) >= 150
    assert len(PASSING) >= 30


@pytest.mark.parametrize("address", REFUSED)
def test_no_special_address_is_written_or_resolved_to(address: str) -> None:
    assert not may_be_written(f"https://{in_url(address)}/hook")
    assert not may_be_written("https://name.example/hook", address)
    assert not may_be_written("https://name.example/hook", "8.8.8.8", address)


@pytest.mark.parametrize("address", REFUSED)
def test_the_setting_that_an_operator_is_told_of_lets_it_through(address: str) -> None:
    url = f"https://{in_url(address)}/hook"
    with pytest.raises(FieldInvalid) as refused:
        check_for_operator(url, PLAIN)
    network = refused.value.message.rpartition("HOOKLINE_ALLOW_NETWORKS=")[2].partition(" ")[0]
    check_endpoint(url, Settings(allow_networks=(network,)), resolve=lambda _: NoAddress())
    assert AddressGuard([ip_network(network)]).refuses(address) is None


@pytest.mark.parametrize("address", PASSING)
def test_every_public_address_is_written_and_resolved_to(address: str) -> None:
    assert may_be_written(f"https://{in_url(address)}/hook")
    assert may_be_written("https://name.example/hook", "8.8.8.8", address)


@pytest.mark.parametrize("host", [*LOOPBACK, *DISGUISED])
def test_no_disguise_is_written(host: str) -> None:
    # Were it taken for a name, the resolver would find it public.
    assert not may_be_written(f"https://{host}/hook", "8.8.8.8")


def test_no_special_address_is_connected_to(open_engine: Opener) -> None:
    urls = [f"http://{in_url(address)}/hook" for address in REFUSED]
    answers = answers_to(open_engine, AddressGuard(), urls)
    wrong = {url: answer for url, answer in answers.items() if not is_refused(answer)}
    assert wrong == {}


def test_no_name_is_followed_to_a_special_address(open_engine: Opener) -> None:
    hosts = {f"name{number}.example": address for number, address in enumerate(REFUSED)}
    transport = open_engine(AddressGuard())
    for token, (host, address) in enumerate(hosts.items()):
        transport.submit(token, request(f"http://{host}/hook", timeout_ms=15_000, addresses=[address]))
    answers = finish(transport, within_s=20)
    assert {token: answer for token, answer in answers.items() if not is_refused(answer)} == {}


def test_every_public_address_would_be_connected_to(open_engine: Opener) -> None:
    witness = Witness()
    answers = answers_to(open_engine, witness, [f"http://{in_url(address)}/hook" for address in PASSING])
    assert all(map(is_refused, answers.values()))
    assert witness.passed == set(PASSING)


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_disguise_of_this_machine_gets_a_packet(open_engine: Opener, host: str) -> None:
    with Endpoint(Line.answer, host="0.0.0.0") as endpoint:
        answer = ask(open_engine(AddressGuard()), request(f"http://{host}:{endpoint.port}/hook", timeout_ms=10_000))
    assert isinstance(answer, Failure)
    assert answer.kind in {FailureKind.ADDRESS_REFUSED, FailureKind.DNS, FailureKind.PROTOCOL}
    assert endpoint.accepted == 0


def test_no_other_disguise_gets_past_the_guard(open_engine: Opener) -> None:
    witness = Witness()
    answers = answers_to(open_engine, witness, [f"http://{host}/hook" for host in DISGUISED])
    kinds = {FailureKind.ADDRESS_REFUSED, FailureKind.DNS, FailureKind.PROTOCOL}
    assert {url: answer for url, answer in answers.items() if getattr(answer, "kind", None) not in kinds} == {}
    assert witness.passed == set()


def test_a_name_that_turns_inside_between_check_and_connect_gets_nothing(open_engine: Opener) -> None:
    found = ["8.8.8.8"]
    with Endpoint(Line.answer) as endpoint:
        url = f"http://rebound.example:{endpoint.port}/hook"
        assert may_be_written(url, *found)
        found[:] = ["127.0.0.1"]
        answer = ask(open_engine(AddressGuard()), request(url, addresses=found))
    assert is_refused(answer)
    assert endpoint.accepted == 0


def test_of_a_name_s_addresses_the_refused_are_passed_over(open_engine: Opener) -> None:
    guard = AddressGuard([ip_network("127.0.0.1/32")])
    with Endpoint(Line.answer, host="0.0.0.0") as endpoint:
        url = f"http://both.example:{endpoint.port}/hook"
        asked = request(url, addresses=["127.0.0.2", "127.0.0.1"])
        assert isinstance(ask(open_engine(guard), asked), Response)
        assert endpoint.accepted == 1


@pytest.mark.parametrize("found", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
def test_what_became_of_an_address_that_was_tried_is_the_reason(open_engine: Opener, found: list[str]) -> None:
    with Endpoint(Line.answer) as endpoint:
        port = endpoint.port
    transport = open_engine(AddressGuard([ip_network("127.0.0.1/32")]))
    answer = ask(transport, request(f"http://both.example:{port}/hook", addresses=found))
    assert isinstance(answer, Failure)
    assert answer.kind is FailureKind.CONNECT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["http://127.0.0.2:{port}/", "//127.0.0.2:{port}/", "http://0x7f.2:{port}/", "/x"])
def test_a_redirect_is_an_answer_and_never_followed(open_engine: Opener, status: int, location: str) -> None:
    with Endpoint(Line.answer, host="127.0.0.2") as inside:
        to = location.format(port=inside.port)
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()
        with Endpoint(lambda line: line.answer(moved)) as endpoint:
            answer = ask(open_engine(), request(endpoint.url))
            assert len(endpoint.requests) == 1
        assert inside.accepted == 0
    assert isinstance(answer, Response)
    assert answer.status == status


def is_refused(answer: Answer) -> bool:
    return isinstance(answer, Failure) and answer.kind is FailureKind.ADDRESS_REFUSED
