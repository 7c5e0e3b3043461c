"""Pages for people who open the API's address in a browser: what this is, and what can be asked.

The laws:
- the first page names nobody, for it is nobody's own: a brand is known only from a key. The other page is one brand's,
  says what that brand's OpenAPI says, and names no other;
- they hold no script, load nothing, and stand in no frame.
"""

import base64
import hashlib
from collections import defaultdict
from html import escape
from typing import Any, Final

from starlette.responses import HTMLResponse

DOCS: Final = "docs"
OPENAPI: Final = "openapi.json"

_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem 1rem .3rem 0}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{white-space:pre-wrap}"
    "tbody code{white-space:pre-wrap}"
)
_CSP: Final = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
POLICY: Final = {"Content-Security-Policy": _CSP, "Referrer-Policy": "no-referrer"}
"""The headers of these pages, beside those that every answer has."""


def first_page(*, docs: bool) -> HTMLResponse:
    """What is at `/`; with `docs` there is a page that describes the API."""
    there = (
        f'<p>What can be asked is described <a href="/{DOCS}">on a page</a>, and '
        f'for programs <a href="/{OPENAPI}">as OpenAPI</a>.</p>'
        if docs
        else ""
    )
    return _page(
        "Webhooks API",
        "<p>This address is for programs. Each request needs an API key, in a header "
        "<code>Authorization: Bearer …</code>. Whoever gave you this address can give you one, or a link to the pages "
        f"where you look after your webhooks.</p>{there}",
    )


def docs_page(document: dict[str, Any], *, key_prefix: str, openapi: str) -> HTMLResponse:  # Any: an OpenAPI document
    """What a brand's OpenAPI says, to be read; `openapi` is where that is."""
    title = document["info"]["title"]
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            groups[operation["tags"][0]].append(
                f"<tr><td><code>{escape(method.upper())}</code></td><td><code>{escape(path)}</code></td>"
                f"<td>{escape(_first(operation))}</td></tr>"
            )
    example = next(path for path, item in document["paths"].items() if "get" in item and "{" not in path)
    said = "".join(
        f"<h2>{escape(tag['name'].capitalize())}</h2><p>{escape(tag['description'])}</p>"
        f"<table><thead><tr><th>Method</th><th>Path</th><th>What it does</th></tr></thead>"
        f"<tbody>{''.join(groups[tag['name']])}</tbody></table>"
        for tag in document["tags"]
        if groups[tag["name"]]
    )
    return _page(
        title,
        f"<p>{escape(document['info']['summary'])}</p>"
        "<p>Each request needs an API key. A list of your webhooks, for example:</p>"
        f'<pre>curl -H "Authorization: Bearer {escape(key_prefix)}…" https://THIS-ADDRESS{escape(example)}</pre>'
        f'<p>Fields, parameters and answers are in the <a href="{escape(openapi)}">OpenAPI document</a>.</p>{said}',
    )


def _first(operation: dict[str, Any]) -> str:
    """The first paragraph of what is said of it."""
    told = str(operation.get("description") or operation.get("summary", ""))
    return " ".join(told.partition("\n\n")[0].split())


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
