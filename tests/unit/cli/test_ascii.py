"""A terminal that has ASCII only is told all there is, and JSON stays JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from consumer.cli.output import print_fields, print_json
from consumer.telemetry.printable import speak
speak()
print_json({"name": "café ☕ 😀"})
print_fields({"name": "café"})
"""


def test_what_the_encoding_lacks_is_escaped() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        check=True,
    )
    first, second = done.stdout.decode("ascii").splitlines()[:2]
    assert json.loads(first) == {"name": "café ☕ 😀"}
    assert second.split() == ["name", "caf\\u00e9"]
    assert done.stderr == b""
