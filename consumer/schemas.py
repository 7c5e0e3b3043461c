"""Where the files of schemas/ are: inside the wheel, or beside the package in a checkout."""

import json
from functools import cache
from pathlib import Path
from typing import cast

from consumer.json import Json

_INSTALLED = Path(__file__).parent / "_schemas"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "schemas"

BRANDS = _ROOT / "brands"
SENT_EVENTS = _ROOT / "sent.events.json"


@cache
def avro_schema(name: str) -> dict[str, Json]:
    """The Avro schema `schemas/avro/NAME.avsc` as parsed JSON."""
    return cast("dict[str, Json]", json.loads((_ROOT / "avro" / f"{name}.avsc").read_text(encoding="utf-8")))


@cache
def avro_history(name: str) -> tuple[dict[str, Json], ...]:
    """Every shipped version of a schema: the current one, then those kept as `schemas/avro/earlier/NAME.*.avsc`."""
    earlier = sorted((_ROOT / "avro" / "earlier").glob(f"{name}.*.avsc"), reverse=True)
    return (
        avro_schema(name),
        *(cast("dict[str, Json]", json.loads(path.read_text(encoding="utf-8"))) for path in earlier),
    )


@cache
def avro_histories() -> tuple[tuple[dict[str, Json], ...], ...]:
    """The same of every schema there is."""
    return tuple(avro_history(path.stem) for path in sorted((_ROOT / "avro").glob("*.avsc")))
