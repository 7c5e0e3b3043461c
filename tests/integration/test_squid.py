"""Requests through a real forward proxy, and what squid says of whom."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from consumer.delivery.answer import FailureKind
from consumer.http.guard import AddressGuard
from consumer.http.proxy import Place, Proxy
from consumer.http.sockets import SocketsTransport
from tests.certificates import ADDRESS, Authority
from tests.conformance import scripted
from tests.conformance.conftest import LOOPBACK
from tests.conformance.proxies import until
from tests.conformance.scripted import Endpoint, Line, ask, finish, kind, status

SQUID = shutil.which("squid", path="/usr/sbin:/usr/local/sbin:/usr/bin")
NCSA = Path("/usr/lib/squid/basic_ncsa_auth")
pytestmark = pytest.mark.skipif(SQUID is None or not NCSA.exists(), reason="squid is not installed")

request = partial(scripted.request, timeout_ms=30_000)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def squid(folder: Path, port: int, *, denied: int) -> Iterator[None]:
    """One that wants a login, and refuses this port."""
    config = folder / "squid.conf"
    passwords = folder / "passwords"
    passwords.write_text("hookline:" + _hashed("s3cret") + "\n")
    config.write_text(
        f"http_port 127.0.0.1:{port}\n"
        f"auth_param basic program {NCSA} {passwords}\n"
        "auth_param basic children 1 startup=1\n"
        f"acl known proxy_auth REQUIRED\nacl denied port {denied}\n"
        "http_access deny !known\nhttp_access deny denied\nhttp_access allow all\n"
        "cache deny all\naccess_log none\ncache_log /dev/null\npid_filename none\n"
        "shutdown_lifetime 0 seconds\ncoredump_dir none\nmax_filedescriptors 1024\n"
    )
    folder.chmod(0o755)
    passwords.chmod(0o644)
    assert SQUID is not None
    process = subprocess.Popen([SQUID, "-N", "-f", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        listens = False
        while not listens and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                listens = True
            time.sleep(0.02)
        assert process.poll() is None, "squid ended"
        yield
    finally:
        process.kill()
        process.wait(10)


def _hashed(password: str) -> str:
    made = subprocess.run(
        ["openssl", "passwd", "-apr1", "-salt", "hookline", password], check=True, capture_output=True, text=True
    )
    return made.stdout.strip()


def test_a_real_proxy_refuses_endpoints_for_themselves_and_breaks_for_nobody(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> None:
    # pytest's own folders are closed to the user as whom squid runs
    folder, port = Path(_open_folder(tmp_path_factory)), free_port()
    with (
        Endpoint(Line.answer, tls=authority.server(ADDRESS)) as good,
        Endpoint(Line.hold) as checked,
        Endpoint(Line.hold) as hung,
        Endpoint(Line.answer) as denied,
    ):
        proxy = Proxy(
            scheme="http",
            at=Place(host="127.0.0.1", port=port),
            checks=(Place(host="127.0.0.1", port=checked.port),),
            user="hookline",
            password="s3cret",
        )
        engine = SocketsTransport(AddressGuard(LOOPBACK), ca_file=authority.ca_file, proxy=proxy)
        with squid(folder, port, denied=denied.port):
            assert status(ask(engine, request(good.url))) == 200
            assert kind(ask(engine, request(denied.url))) is FailureKind.CONNECT  # 403
            assert kind(ask(engine, request(f"http://127.0.0.1:{free_port()}/"))) is FailureKind.CONNECT  # 503
            assert (engine.open, denied.accepted) == (True, 0)
            engine.submit(1, request(hung.url))
            until(lambda: hung.accepted > 0, lambda: engine.poll(0.05))
        assert finish(engine, within_s=60) == {}
        assert list(engine.unsent()) == [1], "its proxy died"
        assert not engine.open
        with squid(folder, port, denied=denied.port):
            until(lambda: engine.open, lambda: engine.poll(0.05))
            assert status(ask(engine, request(good.url))) == 200
            engine.close()
            stranger = Proxy(scheme="http", at=proxy.at, checks=proxy.checks, user="hookline", password="wrong")
            engine = SocketsTransport(AddressGuard(LOOPBACK), ca_file=authority.ca_file, proxy=stranger)
            engine.submit(2, request(good.url))
            assert finish(engine, within_s=60) == {}
            assert list(engine.unsent()) == [2], "407 for everybody is the operator's to mend"
        engine.close()


def _open_folder(factory: pytest.TempPathFactory) -> str:
    base = factory.mktemp("squid")
    for folder in (base, *base.parents):
        if folder == Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    return str(base)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
