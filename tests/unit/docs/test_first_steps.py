"""The first steps of a reader: the settings that `make services` prints, and files that may hold secrets."""

import io
import re
import socket
from fnmatch import fnmatch

from dotenv import dotenv_values

from tests import markdown
from tests.services.__main__ import KAFKA_PORT, REDIS_PORT, REGISTRY_PORT, block
from tests.services.server import free_port, usual_or_free

README = markdown.ROOT / "README.md"
STEPS = (README, markdown.ROOT / "docs" / "getting-started.md")
_OUR_OWN = "HOOKLINE_SCHEMA_REGISTRY_URL"  # of what `make services` starts; whoever has Kafka may have no registry


def _settings(text: str) -> dict[str, str | None]:
    return dict(dotenv_values(stream=io.StringIO(text)))


def test_make_services_prints_the_settings_of_the_readme() -> None:
    ports = {port: port for port in (KAFKA_PORT, REDIS_PORT, REGISTRY_PORT)}
    printed = _settings("\n".join(block(ports, key=bytes(32))))
    [written] = [each.text for each in markdown.blocks(README) if each.text.startswith("cat > .env")]
    named = _settings("\n".join(written.splitlines()[1:-1]))
    assert printed.pop(_OUR_OWN) == f"http://127.0.0.1:{REGISTRY_PORT}/apis/ccompat/v7"
    assert printed.keys() == named.keys()
    made_up = "HOOKLINE_ENCRYPTION_KEYS"
    assert {name: value for name, value in printed.items() if name != made_up} == {
        name: value for name, value in named.items() if name != made_up
    }


def test_ports_that_are_in_use_are_told_by_the_block() -> None:
    printed = _settings("\n".join(block({KAFKA_PORT: 12001, REDIS_PORT: 12002, REGISTRY_PORT: 12003}, key=bytes(32))))
    assert printed["HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:12001"
    assert printed["HOOKLINE_REDIS_URL"] == "redis://127.0.0.1:12002/0"
    assert ":12003/" in str(printed[_OUR_OWN])


def test_a_usual_port_is_taken_where_nobody_listens() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert usual_or_free(port) != port
    assert usual_or_free(port) == port


def test_git_ignores_every_file_that_a_reader_is_told_to_write() -> None:
    ignored = [
        line.lstrip("/")
        for line in (markdown.ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    written = {
        name
        for page in STEPS
        for each in markdown.blocks(page)
        if each.info in {"sh", "python run"}
        for name in re.findall(r'(?:> ?|open\(")([\w.-]+\.\w+|\.env)(?:$|[ "])', each.text, re.MULTILINE)
    }
    assert {".env", "acme.secret.json", "big.secret.json", "lost.secret.json", "events.avro"} <= written
    assert {name for name in written if not any(fnmatch(name, pattern) for pattern in ignored)} == set()
