"""`hookline import`: webhooks and API keys from a file, of Hookline's own, of Svix or as a table.

The laws: a file with anything wrong in it changes nothing; imported again it changes nothing; and what is said to be
imported was read back from the topic.
"""

import io
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

from cyclopts import Parameter

from consumer.brands.brand import Brand
from consumer.brands.loader import BrandUnknown
from consumer.brands.loader import brand as brand_named
from consumer.cli.exits import bad_input, say
from consumer.cli.import_target import Target
from consumer.cli.output import print_json, print_table
from consumer.cli.reach import installation, with_cache
from consumer.cli.webhook_port import DEFAULT_BRAND
from consumer.configuration import load
from consumer.transfer import csv_file, own_file, plan, svix, wished
from consumer.transfer.box import NotAPublicKey, opening
from consumer.transfer.faults import FileRefused, LineFaults
from consumer.transfer.plan import Change, Planned
from consumer.webhooks.labels import id_of
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wishes import Wishes

_TOLD_MOST: Final = 20


def import_(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True, help="The file; - reads standard input.")],
    /,
    *,
    from_: Annotated[
        Literal["hookline", "svix", "csv"], Parameter(name="--from", help="Which form the file has.")
    ] = "hookline",
    tenant: Annotated[str | None, Parameter(help="Whose they are, where a line of svix or csv does not say.")] = None,
    brand: Annotated[
        str | None, Parameter(help="Under which brand those of svix and csv are. Default: hookline.")
    ] = None,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say what would be done.")] = False,
    json: Annotated[bool, Parameter(negative=(), help="What is done with each line, as one JSON object.")] = False,
) -> int:
    """Create the webhooks and API keys of a file, or change those that are there to be so. Nothing is deleted."""
    settings = with_cache(installation(load(), lambda topics: [topics.subscriptions, topics.state]))
    target = Target(settings)
    try:
        planned = _planned(file, from_, target, tenant, brand)
    except FileRefused as error:
        raise _refused(error) from None
    if not dry_run:
        target.write([each for each in planned if each.is_written])
    _say(planned, dry_run=dry_run, as_json=json)
    return os.EX_OK


def _planned(file: Path, form: str, target: Target, tenant: str | None, brand: str | None) -> list[Planned]:
    """What becomes of each line. Raises FileRefused: all that is wrong."""
    faults = LineFaults()
    with _opened(file) as stream:
        if form == "hookline":
            planned = _ours(stream, target, faults)
        else:
            under = brand_named(DEFAULT_BRAND if brand is None else brand, target.settings.brands_dir)
            wishes = _svix(stream, faults, tenant, under) if form == "svix" else _csv(stream, faults, tenant, under)
            planned = _wished(wishes, target, under, faults)
    faults.tell()
    return planned


def _ours(stream: BinaryIO, target: Target, faults: LineFaults) -> list[Planned]:
    found = own_file.read(stream, allow_http=target.settings.allow_http)
    ring = target.keyring
    if (envelope := found.head.envelope) is not None:
        try:
            ring = opening(ring, envelope)
        except NotAPublicKey:
            raise bad_input("line 1: sealedFor or drawn was changed", field="file") from None
    made = [plan.webhook(line, each, target.states.get(each.id), ring, faults) for line, each in found.webhooks]
    made += [plan.api_key(line, key, target.keys.get(key.id), faults) for line, key in found.keys]
    for line, each in found.webhooks:
        try:
            brand_named(each.brand, target.settings.brands_dir)
        except BrandUnknown as error:
            faults.add(line, "brand", str(error))
    return [each for each in made if each is not None]


def _svix(stream: BinaryIO, faults: LineFaults, tenant: str | None, brand: Brand) -> list[tuple[int, Wishes]]:
    found = (
        (number, svix.wishes_of(line, number, faults, tenant=tenant, brand=brand.name))
        for number, line in enumerate(stream, start=1)
        if line.strip()
    )
    return [(number, wishes) for number, wishes in found if wishes is not None]


def _csv(stream: BinaryIO, faults: LineFaults, tenant: str | None, brand: Brand) -> list[tuple[int, Wishes]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        found = [
            (number, csv_file.wishes_of(row, number, faults, tenant=tenant, brand=brand.name))
            for number, row in csv_file.rows(text, faults)
        ]
    except UnicodeDecodeError:
        raise bad_input("the file is not UTF-8", field="file") from None
    finally:
        text.detach()  # whoever opened the file closes it
    return [(number, wishes) for number, wishes in found if wishes is not None]


def _wished(wishes: Sequence[tuple[int, Wishes]], target: Target, brand: Brand, faults: LineFaults) -> list[Planned]:
    now_ms = time.time_ns() // 1_000_000
    made: list[Planned] = []
    seen: dict[str, int] = {}
    for line, each in wishes:
        assert each.uid is not None
        id_ = id_of(each.tenant, brand.name, each.uid)
        if seen.setdefault(id_, line) != line:
            faults.add(line, "uid", f"is the same as on line {seen[id_]}")
            continue
        with faults.of(line):
            made.append(
                wished.planned(
                    line,
                    each,
                    target.states.get(id_),
                    brand=brand,
                    keyring=target.keyring,
                    now_ms=now_ms,
                    entropy=secrets.token_bytes,
                    allow_http=target.settings.allow_http,
                )
            )
    return made


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise bad_input(f"{file} cannot be read: {error.strerror}", field="file") from None


def _refused(error: FileRefused) -> Exception:
    """Say all that is wrong with the file."""
    for each in error.faults[:_TOLD_MOST]:
        say(str(each))
    more = len(error.faults) - _TOLD_MOST
    untold = f", of which {more} more are not told" if more > 0 else ""
    return bad_input(f"nothing was changed: {len(error.faults)} things are wrong with the file{untold}", field="file")


def _say(planned: Sequence[Planned], *, dry_run: bool, as_json: bool) -> None:
    """What is done, or would be."""
    ordered = sorted(planned, key=lambda each: each.line)
    if as_json:
        for each in ordered:
            print_json({"line": each.line, "object": _kind(each), "id": each.what.id, "step": each.change.value})
        return
    cells = ((str(each.line), each.change.value, _kind(each), each.what.tenant, each.what.id) for each in ordered)
    print_table(("LINE", "STEP", "OBJECT", "TENANT", "ID"), cells, empty="the file has no webhook and no API key")
    done = Counter(each.change for each in planned)
    told = ", ".join(f"{done[change]} {change}" for change in Change)
    say(f"nothing was changed: {told}, without --dry-run" if dry_run else told)


def _kind(planned: Planned) -> str:
    return "webhook" if isinstance(planned.what, Subscription) else "apiKey"
