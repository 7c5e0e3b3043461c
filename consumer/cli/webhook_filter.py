"""`hookline webhooks try-filter`: whether a filter lets an event through, and which parts of it do not.

The law: nothing is asked of anybody. The exit code says whether: 0, or 1 as grep has it.
"""

import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter

from consumer.brands.loader import brand as brand_named
from consumer.cli.exits import usage
from consumer.cli.output import print_fields, print_json
from consumer.cli.webhook_port import DEFAULT_BRAND
from consumer.control.sample import sample_data
from consumer.events.document import parsed
from consumer.json import Json
from consumer.settings import Settings
from consumer.webhooks.filter_trial import shown
from consumer.webhooks.filter_trial import try_filter as tried_filter
from consumer.webhooks.wishes import check_filter

_MATCHES: Final = 0
_DOES_NOT: Final = 1


def try_filter(
    *,
    filter_json: Annotated[str, Parameter(name="--filter", help="An event pattern, as JSON.")],
    type_: Annotated[str | None, Parameter(name="--type", help="Against the sample of this event type.")] = None,
    data: Annotated[
        str | None, Parameter(allow_leading_hyphen=True, help="Against the data in this file; - is standard input.")
    ] = None,
    brand: Annotated[str, Parameter(help="Whose samples.")] = DEFAULT_BRAND,
    json: Annotated[bool, Parameter(negative=(), help="JSON, in the API's camelCase.")] = False,
) -> int:
    """Try a filter against a sample or an event's data. Exits with 0 where it lets it through, else with 1."""
    if (type_ is None) is (data is None):
        raise usage("give either --type or --data", field="--data")
    check_filter(filter_json)
    against = _read(data or "-") if type_ is None else sample_data(type_, brand_named(brand, Settings().brands_dir))
    tried = tried_filter(filter_json, against)
    if json:
        print_json(shown(tried))
    else:
        not_met = {each.path: "nothing there" if each.found is None else each.found for each in tried.unmet}
        print_fields({"matches": tried.matches, **not_met, **({"givenUp": True} if tried.given_up else {})})
    return _MATCHES if tried.matches else _DOES_NOT


def _read(where: str) -> Json:
    try:
        text = sys.stdin.buffer.read() if where == "-" else Path(where).read_bytes()
        msgspec.json.decode(text)
    except OSError as error:
        raise usage(f"--data {where}: {error.strerror}", field="--data") from None
    except (ValueError, RecursionError):
        raise usage(f"--data {where}: is not JSON in UTF-8", field="--data") from None
    return parsed(text)
