"""If-Match: a change only of what its customer has seen (RFC 9110 section 13.1.1).

The law: a tag that is not the current one changes nothing; 412 says so.
"""

import re
from http import HTTPStatus
from typing import Final

from consumer.api.problem import Refusal

_ANY: Final = "*"
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def if_match_of(header: str | None) -> frozenset[int] | None:
    """The revisions of which the change is asked for; None for any.

    Raises:
        Refusal: 400, it is no list of entity tags.
    """
    if header is None or header.strip() == _ANY:
        return None
    tags = [_TAG.fullmatch(each.strip()) for each in header.split(",")]
    found = [tag for tag in tags if tag is not None]
    if len(found) < len(tags):
        raise Refusal(HTTPStatus.BAD_REQUEST, 'If-Match: send the ETag as it was given, quotes included, as in "3"')
    # A weak tag never matches: the comparison is the strong one.
    return frozenset(int(tag[2]) for tag in found if not tag[1] and re.fullmatch(r"[1-9][0-9]{0,17}", tag[2]))
