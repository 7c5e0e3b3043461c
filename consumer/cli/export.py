"""`hookline export`: webhooks and API keys to a file, as a copy or for another installation.

The law: no secret stands in the file in the clear. As they lie on the topic they open with this installation's
encryption keys; with `--for` they are sealed anew, for the one installation that this public key is of.
"""

import os
import secrets
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from consumer.cli.exits import CommandFailed, bad_input, say
from consumer.cli.output import print_json
from consumer.cli.reach import installation
from consumer.configuration import load
from consumer.control.canary import sealing_keyring
from consumer.control.key_writes import read_keys
from consumer.control.reseal import resealed
from consumer.kafka import subscriptions
from consumer.settings import Settings
from consumer.signing.timestamps import rfc3339
from consumer.transfer.box import NotAPublicKey, public_key, sealing_for
from consumer.transfer.own_file import VERSION, written
from consumer.transfer.rows import Head
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.subscription import Subscription

_DRAWN_BYTES: Final = 32
_OWN_EYES: Final = 0o600


def export(
    *,
    output: Annotated[Path | None, Parameter(help="A file. Default: standard output.")] = None,
    for_: Annotated[
        str | None, Parameter(name="--for", help="The public key of another installation, which alone can open it.")
    ] = None,
    tenant: Annotated[str | None, Parameter(help="Of this customer. Default: of all.")] = None,
    brand: Annotated[str | None, Parameter(help="Under this brand. Default: under all.")] = None,
    json: Annotated[bool, Parameter(negative=(), help="With --output: how much it was, as JSON.")] = False,
) -> int:
    """Write webhooks and API keys to a file: JSON lines, their secrets sealed, as `hookline import` reads them.

    Without --for the file opens where HOOKLINE_ENCRYPTION_KEYS are the same: keep those apart from it.
    """
    settings = installation(load(), lambda topics: [topics.subscriptions, topics.state])
    webhooks = _mine(subscriptions.read_all(settings).values(), tenant, brand)
    keys = read_keys(settings).listed(tenant=tenant, brand=brand)
    now_ms = time.time_ns() // 1_000_000
    head = Head(version=VERSION, exported_at=rfc3339(now_ms))
    if for_ is not None:
        webhooks, head = _sealed(settings, webhooks, head, for_, now_ms)
    _write(output, written(head, webhooks, keys))
    if json and output is not None:
        print_json({"webhooks": len(webhooks), "apiKeys": len(keys)})
    else:
        say(f"{len(webhooks)} webhooks and {len(keys)} API keys are exported")
    return os.EX_OK


def public(*, json: Annotated[bool, Parameter(negative=(), help="As one JSON object.")] = False) -> int:
    """Print this installation's public key, with which another one seals an export for it."""
    settings = installation(load(), lambda topics: [topics.state])
    key = public_key(sealing_keyring(settings))
    if json:
        print_json({"publicKey": key})
    else:
        sys.stdout.write(key + "\n")
    return os.EX_OK


def _mine(found: Iterable[Subscription], tenant: str | None, brand: str | None) -> list[Subscription]:
    mine = (each for each in found if tenant in {None, each.tenant} and brand in {None, each.brand})
    return sorted(mine, key=lambda each: (each.created_at_ms, each.id))


def _sealed(
    settings: Settings, webhooks: list[Subscription], head: Head, for_: str, now_ms: int
) -> tuple[list[Subscription], Head]:
    """The same, sealed for whoever has this public key."""
    try:
        ring, envelope = sealing_for(for_, secrets.token_bytes(_DRAWN_BYTES))
    except NotAPublicKey as error:
        raise bad_input(str(error), field="--for") from None
    both = ring.and_also(Keyring.from_settings(settings))
    found: list[Subscription] = []
    for each in webhooks:
        try:
            found.append(resealed(each, both, now_ms=now_ms))
        except SecretUnreadable as error:
            raise CommandFailed(os.EX_CONFIG, f"{each.id} is left out, and with it all: {error}") from None
    sealed_head = Head(
        version=head.version, exported_at=head.exported_at, sealed_for=envelope.public, drawn=envelope.drawn
    )
    return found, sealed_head


def _write(output: Path | None, lines: Iterable[bytes]) -> None:
    """Whole, or not under its name: what was cut would be found out when it is needed."""
    if output is None:
        for line in lines:
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        return
    beside = output.with_name(output.name + ".partial")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWN_EYES), "wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(output)
    except OSError as error:
        raise CommandFailed(
            os.EX_CANTCREAT, f"{output} cannot be written: {error.strerror}", field="--output"
        ) from None
