"""A container's health check: `python -P -m consumer.cli.probe [livez|readyz]` asks the supervisor in it.

Exits 0 when it answers 200, else 1 with a line that says why. Without an admin port there is nothing to ask, and 0.
"""

import os
import sys

from consumer.telemetry.admin_client import AdminSilent, asked, place_of

_VARIABLE = "HOOKLINE_ADMIN_LISTEN"
_DEFAULT = "127.0.0.1:9464"


def main() -> int:
    """Ask once. Returns 0 where the supervisor answers 200, or has no admin port."""
    place = place_of(os.environ.get(_VARIABLE, _DEFAULT))
    if place is None:
        return 0
    try:
        asked(place, "/" + (sys.argv[1] if sys.argv[1:] else "livez"))
    except AdminSilent as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
