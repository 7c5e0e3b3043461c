"""`hookline webhooks test`: a test event, now, and what the endpoint answers.

The law: the exit code says whether the event was accepted, and what an endpoint answers cannot command a terminal.
"""

import os
import re
from typing import Annotated, Final

from cyclopts import Parameter

from consumer.brands.brand import TEST
from consumer.cli.access import Access, webhooks
from consumer.cli.output import print_fields, print_json, reported

# C0 and C1 controls but tab and line feed, DEL, and what turns the direction of text.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def try_out(
    webhook: str,
    /,
    *,
    type_: Annotated[str, Parameter(name="--type", help="An event type; a sample of it is sent.")] = TEST,
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")] = False,
) -> int:
    """Send a webhook a test event and print what comes back. Exits with 0 for an answer of 2xx, else with 69.

    Parameters
    ----------
    webhook
        Its id. It may be paused or suspended.
    """

    def command() -> int:
        with webhooks(access) as reached:
            tried = reached.try_out(webhook, type_)
        if json:
            print_json(tried)
        else:
            print_fields(
                {
                    name: _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value
                    for name, value in tried.items()
                }
            )
        return os.EX_OK if tried["error"] is None else os.EX_UNAVAILABLE

    return reported(command, as_json=json)
