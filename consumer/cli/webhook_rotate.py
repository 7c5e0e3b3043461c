"""`hookline webhooks rotate`: a new secret for a webhook.

The law: the new secret is printed once, by this command, and whether the old one goes on signing beside it is said.
"""

import os
from typing import Annotated, Final

from cyclopts import Parameter

from consumer.cli.access import Access, webhooks
from consumer.cli.exits import say, usage
from consumer.cli.flags import Id
from consumer.cli.output import print_fields, print_json
from consumer.cli.webhook_flags import secret_of
from consumer.setting_values import duration_ms
from consumer.webhooks.secrets import OVERLAPPING

_LONGEST: Final = "30d"


def rotate(
    webhook: Id,
    /,
    *,
    secret: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="Its own; - reads it from standard input. Default: generated."),
    ] = None,
    overlap: Annotated[
        str, Parameter(help="How long the old secret goes on signing too, where a signature has room for both; 0s.")
    ] = "24h",
    access: Access | None = None,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")] = False,
) -> int:
    """Give a webhook a new secret and print it. It is not shown again, unless its brand lets it be read."""
    overlap_ms = _overlap_ms(overlap)
    with webhooks(access) as reached:
        rotated = reached.rotate(webhook, secret=secret_of(secret), overlap_ms=overlap_ms)
    if rotated["signing"] not in OVERLAPPING:
        say("only the new secret signs from now on: this signing profile has room for one signature")
    elif overlap_ms:
        say(f"the old secret goes on signing beside the new one for {overlap}")
    if json:
        print_json(rotated)
    else:
        print_fields(rotated)
    return os.EX_OK


def _overlap_ms(text: str) -> int:
    try:
        overlap_ms = duration_ms(text)
    except ValueError as error:
        raise usage(f"--overlap: {error}", field="--overlap") from None
    if overlap_ms > duration_ms(_LONGEST):
        raise usage(f"--overlap is at most {_LONGEST}", field="--overlap")
    return overlap_ms
