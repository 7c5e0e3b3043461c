"""What the kernel knows of this process. What it does not tell (on other systems than Linux) is left out."""

import os
import time
from pathlib import Path
from typing import Final

from consumer.telemetry.snapshot import Reading

_STATM: Final = Path("/proc/self/statm")
_DESCRIPTORS: Final = Path("/proc/self/fd")
_BEGAN_S: Final = time.time()


def tell_process(reading: Reading) -> None:
    """Processor time, memory, descriptors, and since when it is there."""
    used = os.times()
    reading.value("process_cpu_seconds_total", used.user + used.system)
    reading.value("process_start_time_seconds", round(_BEGAN_S, 3))
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
        descriptors = len(list(_DESCRIPTORS.iterdir()))
    except OSError:
        return
    reading.value("process_resident_memory_bytes", pages * os.sysconf("SC_PAGE_SIZE"))
    reading.value("process_open_fds", descriptors)
