"""The curl commands of the documentation, taken apart and asked of the API in memory."""

import json
import re
import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests import markdown


def commands(page: Path) -> list[str]:
    """Each command of a page that is a request, whole."""
    blocks = [block.text.replace("\\\n", " ") for block in markdown.blocks(page)]
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl ")]


def asked(client: TestClient, command: str, held: Mapping[str, str]) -> Any:  # noqa: ANN401 # a client's response
    """What the command is answered. `held` are the shell's variables; `client` has the key that `KEY` stands for."""
    known = {"API": "", "KEY": "hk_"} | dict(held)
    program, *flags = shlex.split(re.sub(r"\$([A-Z_]+)", lambda name: known[name[1]], command))
    given = dict(pairwise(flags))
    url = next(word for word in flags if word.startswith("/"))
    headers = [flags[at + 1] for at, word in enumerate(flags) if word == "-H"]
    body = json.loads(given["-d"]) if "-d" in given else None
    assert (program, "Authorization: Bearer hk_" in headers) == ("curl", True)
    assert ("Content-Type: application/json" in headers) == (body is not None)
    return client.request(given.get("-X", "GET"), url, json=body)
