"""A body as a page shows it: laid out, as it came, or in hex where it is no text. Pure."""

import base64
from dataclasses import dataclass
from typing import Final

from markupsafe import escape

from consumer.portal.json_layout import laid_out
from consumer.portal.shown import shown
from consumer.portal.told import Request, Response

RAW: Final = "raw"
_HEX_MOST: Final = 4_096
_LAYOUT_MOST: Final = 80_000
_LINE: Final = 16
_VISIBLE: Final = range(0x20, 0x7F)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """`text` is None where it may not be seen. `formatted`: it is laid out; `formattable`: it could be.

    `kept` is what the log has of it (`delivery.Bodies`). `cut`: the download has more. `truncated`: the endpoint sent
    more than is kept.
    """

    text: str | None
    kept: str
    bytes: int
    formatted: bool
    formattable: bool
    binary: bool
    cut: bool
    truncated: bool
    page_url: str
    download_url: str | None


def weight(text: str) -> int:
    """How many bytes of a page it is."""
    return len(escape(shown(text)).encode())


def body_of(
    told: Request | Response, *, raw: bool, page_url: str, download_url: str | None, layout_most: int = _LAYOUT_MOST
) -> Body:
    """A request's or an answer's. `page_url` is the page, at it; a layout of more bytes of it is none."""
    size = told.body_bytes or 0
    binary = told.body_encoding == "base64"
    text = None if told.body is None else _hex(base64.b64decode(told.body)) if binary else told.body
    layout = None if text is None or binary or told.cut else laid_out(text)
    if layout is not None and weight(layout) > layout_most:
        layout = None
    return Body(
        text=text if raw or layout is None else layout,
        kept=told.body_kept,
        bytes=size,
        formatted=layout is not None and not raw,
        formattable=layout is not None,
        binary=binary,
        cut=told.cut or (binary and size > _HEX_MOST),
        truncated=isinstance(told, Response) and told.truncated,
        page_url=page_url,
        download_url=download_url if size else None,
    )


def _hex(body: bytes) -> str:
    """Sixteen bytes a line: where, in hex, and as text."""
    lines = (body[at : at + _LINE] for at in range(0, min(len(body), _HEX_MOST), _LINE))
    return "\n".join(
        f"{number * _LINE:06x}  {line.hex(' '):<47}  {''.join(chr(each) if each in _VISIBLE else '.' for each in line)}"
        for number, line in enumerate(lines)
    )
