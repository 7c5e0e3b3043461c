"""Plants the bug that PLANTED_BUG names in this process, before it does anything else."""

import os
import traceback

try:
    from tests.chaos.bugs import ALL

    for each in ALL[os.environ["PLANTED_BUG"]]():
        each.start()
except BaseException:  # noqa: BLE001 # whatever it is, the process must not go on
    traceback.print_exc()
    os._exit(os.EX_SOFTWARE)  # else Python would go on without the bug
