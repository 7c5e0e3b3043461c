"""If-Match: a change only of what its customer has seen (RFC 9110 section 13.1.1).

The law: a tag that is not the current one changes nothing; 412 says so.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from consumer.api.problem import Refusal

_ANY: Final = "*"
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def if_match_of(header: str | None, current: Callable[[], int]) -> int | None:
    """The revision which the change asks for; None for any. `current` is asked only where there are several tags.

    Raises:
        Refusal: 400, it is no list of entity tags; 412, none of them could ever match.
    """
    if header is None or header.strip() == _ANY:
        return None
    tags = [_TAG.fullmatch(each.strip()) for each in header.split(",")]
    found = [tag for tag in tags if tag is not None]
    if len(found) < len(tags):
        raise Refusal(HTTPStatus.BAD_REQUEST, 'If-Match: send the ETag as it was given, quotes included, as in "3"')
    # A weak tag never matches: the comparison is the strong one.
    revisions = {int(tag[2]) for tag in found if not tag[1] and re.fullmatch(r"[1-9][0-9]{0,17}", tag[2])}
    if len(revisions) == 1:
        return revisions.pop()
    revision = current()
    if revision not in revisions:
        raise Refusal(
            HTTPStatus.PRECONDITION_FAILED, "this is none of its revisions now: read the webhook and try again"
        )
    return revision
