"""`hookline webhooks test`: a test event, now, and what the endpoint answers.

The law: the exit code says whether the event was accepted, and what an endpoint answers cannot command a terminal.
"""

import os
import sys
from typing import Annotated

from cyclopts import Parameter

from consumer.brands.brand import TEST
from consumer.cli.access import Access, webhooks
from consumer.cli.output import print_explanation, print_fields, print_json
from consumer.telemetry.printable import printable_lines


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
    with webhooks(access) as reached:
        tried = reached.try_out(webhook, type_)
    if json:
        print_json(tried)
    else:
        body = tried["body"]
        print_fields({name: value for name, value in tried.items() if name not in {"body", "explanation"}})
        print_explanation(tried.get("explanation"))
        if isinstance(body, str) and body:
            sys.stdout.write("\n" + printable_lines(body) + "\n")
    return os.EX_OK if tried["error"] is None else os.EX_UNAVAILABLE
