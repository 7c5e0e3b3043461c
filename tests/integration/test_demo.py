"""`hookline demo` as a stranger runs it: the real roles, on nothing but Python."""

import os
import re
import signal
import subprocess
import sys
import time

import httpx

VERDICT = re.compile(
    r"demo: passed, (\d+) of \1 deliveries ended where they should \((\d+) by replay\), (\d+) signatures"
)


def demo(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "consumer.cli.app", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Settings of a developer's own must not reach the demo.
        env={**os.environ, "HOOKLINE_TOPIC_PREFIX": "mine.", "HOOKLINE_RETRY_DELAYS": "nonsense"},
    )


def _link(pages: str) -> str:
    """Where the demo's address leads, once somebody is there: a link that opens the customer's pages."""
    answer = httpx.get(pages, timeout=60)
    location = answer.headers["location"]
    assert (answer.status_code, "/portal/enter#" in location) == (302, True), location
    entered = httpx.post(
        location.partition("#")[0],
        data={"link": location.partition("#")[2]},
        headers={"Sec-Fetch-Site": "same-origin"},
        timeout=60,
    )
    assert (entered.status_code, entered.headers["location"].endswith("/webhooks")) == (303, True)
    return location


def test_the_demo_ends_by_itself_and_proves_its_figures() -> None:
    with demo("--for", "12s") as process:
        said, _ = process.communicate(timeout=120)

    assert process.returncode == 0, said
    assert re.match(r"\n  The pages:  http://localhost:[0-9]+/\n", said), said
    assert re.search(r"^ +[0-9.]+ s  10 events a second for [0-9]+ webhooks: one endpoint fails", said, re.MULTILINE)
    verdict = VERDICT.match(said.splitlines()[-1])
    assert verdict is not None, said
    deliveries, replayed, signatures = map(int, verdict.groups())
    assert deliveries > 50
    assert replayed > 0
    assert signatures > deliveries, "the flaky and the dead endpoint ask for more than one request each"


def test_ctrl_c_brings_what_was_published_to_its_end() -> None:
    with demo() as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(2)]
        pages = printed[1].removeprefix("  The pages:  ").strip()
        began_s = time.monotonic()
        links = [_link(pages) for _ in range(2)]
        time.sleep(max(0.0, 8 - (time.monotonic() - began_s)))
        for _ in range(2):  # `timeout` signals its command, and then the group that the command is in
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        said, _ = process.communicate(timeout=120)

    assert process.returncode == 0, said
    assert links[0] != links[1], "a link works once, so each visit has one of its own"
    assert "Ctrl-C once more ends at once" in said
    assert VERDICT.match(said.splitlines()[-1]), said
