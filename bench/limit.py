"""The limit: what a C program pays for the same request to the same sink, without Kafka, signing or a log.

wrk has the core that the deliver process had, and posts a body of the same size on kept connections.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench import cores
from bench.audience import EVENT_BYTES
from bench.installation import BenchError
from bench.sink import Sink

_CONNECTIONS = 64
_SCRIPT = f"""
wrk.method = "POST"
wrk.body = string.rep("x", {EVENT_BYTES})
wrk.headers["content-type"] = "application/json"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """wrk's own CPU time a request, and how many it got through."""

    us_per_request: float
    requests_per_s: float


def measure(folder: Path, sink: Sink, *, for_s: int) -> Limit:
    """Run wrk against the sink.

    Raises:
        BenchError: there is no wrk, or not every request was answered with 200.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise BenchError("wrk is not installed")
    script = folder / "post.lua"
    script.write_text(_SCRIPT)
    command = [wrk, "--threads", "1", "--connections", str(_CONNECTIONS), "--duration", f"{for_s}s"]
    with cores.starting_on(cores.UNDER_TEST):
        process = subprocess.Popen([*command, "--script", str(script), sink.url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    requests = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if process.returncode != 0 or requests is None or rate is None or "Non-2xx" in said or "Socket errors" in said:
        raise BenchError(f"wrk did not measure:\n{said}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Limit(us_per_request=round(cpu_s / int(requests[1]) * 1_000_000, 2), requests_per_s=round(float(rate[1]), 1))
