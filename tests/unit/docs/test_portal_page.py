"""docs/portal.md: its code makes links that open, in each language whose toolchain is installed here."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.api.server import Server
from consumer.control.keys import Scope
from tests import markdown
from tests.html import read
from tests.memory_portal import NAVIGATED, MemoryPortal

PAGE = markdown.ROOT / "docs" / "portal.md"
_PATIENCE_S = 300.0


def shown(info: str) -> str:
    """The one block of the page that begins so."""
    [text] = [block.text for block in markdown.blocks(PAGE) if block.info == info]
    return text


def in_python(folder: Path, *arguments: str) -> list[str]:
    (folder / "host.py").write_text(shown("python host"))
    said = "import sys, host; print(host.webhooks_link(*sys.argv[1:]))"
    return [sys.executable, "-c", said, *arguments]


def in_node(folder: Path, *arguments: str) -> list[str]:
    (folder / "host.mjs").write_text(shown("js host"))
    said = 'import { webhooksLink } from "./host.mjs"; console.log(await webhooksLink(...process.argv.slice(2)));'
    (folder / "drive.mjs").write_text(said)
    return ["node", "drive.mjs", *arguments]


def in_go(folder: Path, *arguments: str) -> list[str]:
    (folder / "host").mkdir()
    (folder / "host" / "host.go").write_text(shown("go host"))
    (folder / "go.mod").write_text("module drive\n\ngo 1.21\n")
    (folder / "drive.go").write_text(
        'package main\n\nimport (\n\t"drive/host"\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n'
        "\tlink, err := host.WebhooksLink(os.Args[1], os.Args[2], os.Args[3])\n"
        "\tif err != nil {\n\t\tpanic(err)\n\t}\n\tfmt.Println(link)\n}\n"
    )
    return ["go", "run", ".", *arguments]


LANGUAGES: dict[str, Callable[..., list[str]]] = {"python": in_python, "node": in_node, "go": in_go}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_host_s_code_makes_a_link_that_opens(language: str, tmp_path: Path) -> None:
    if language != "python" and shutil.which(language) is None:
        pytest.skip(f"{language} is not installed here")
    portal = MemoryPortal()
    key = portal.api.key(*Scope)[1]
    listener = socket.create_server(("127.0.0.1", 0))
    command = LANGUAGES[language](tmp_path, key, "Ada", "/log")
    with Server(portal.app, listener, drain_s=1):
        hooks = f"http://127.0.0.1:{listener.getsockname()[1]}"
        url = _run(command, tmp_path, hooks)
    client = portal.client()
    data = {"link": url.partition("#")[2]}
    framed = NAVIGATED | {"Sec-Fetch-Dest": "iframe"}
    page = read(client.post("/portal/enter", data=data, headers=framed).text)
    assert (page.h1, page.one("link", "Back to app.example.com").attributes["target"]) == ("Log", "_top")
    assert "Ada" in page.visible


def _run(command: list[str], folder: Path, hooks: str) -> str:

    environment = {**os.environ, "HOOKS_URL": hooks}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, check=False, timeout=_PATIENCE_S, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_key_that_opens_nothing_makes_no_link(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with Server(MemoryPortal().app, listener, drain_s=1):
        hooks = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(AssertionError, match="401"):
            _run(in_python(tmp_path, "hk_nothing", "Ada"), tmp_path, hooks)
