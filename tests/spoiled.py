"""Requests that fit a brand's OpenAPI but for one thing, and how such a thing has to be refused.

The law: each is refused by the status and the code that its fault has, in a problem document that names its request,
and nothing is written. What is spoiled is drawn, from what the route takes.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from schemathesis import APIOperation

from consumer.text import is_line
from tests.memory_api import MemoryApi

Draw: TypeAlias = Callable[..., Any]
Node: TypeAlias = Any  # JSON

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
OTHER_TYPES: Final = ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "", "/")
DECEPTIVE: Final = "\x00\x1b\x7f\x85\u061c\u200e\u200f\u2028\u2029\u202e\u2066\u2069"
PLACEHOLDERS: Final = ("[hidden]", "Bearer [hidden]", "[redacted]", "***")


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A request as it is sent."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """What is sent, and what must be answered: a status, and for a 422 the code of a fault."""

    raw: Raw
    status: int
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of the document. `body` fits it; None where it takes none. `lists` are the parameters that may repeat."""

    raw: Raw
    body: Node
    parameters: tuple[str, ...]
    lists: tuple[str, ...]
    methods: tuple[str, ...]
    creates_webhook: bool
    list_field: str


def route_of(operation: APIOperation[Any, Any, Any, Any], body: Node, list_field: str) -> Route:
    """The route with ids that need not be there, since what is asked here is asked before."""
    item = operation.schema[operation.path]
    return Route(
        raw=Raw(method=operation.method.upper(), path=operation.path.replace("{id}", "wh_1")),
        body=body,
        parameters=tuple(each.name for each in operation.query),
        lists=tuple(each.name for each in operation.query if each.definition["schema"].get("type") == "array"),
        methods=tuple(sorted(method.upper() for method in item)),
        creates_webhook=operation.definition.raw["operationId"] == "createWebhook",
        list_field=list_field,
    )


def parameter_that_is_none(route: Route, draw: Draw) -> Spoiled | None:
    name = draw(st.text("abcdefghijklmnopqrstuvwxyzL_[]0", min_size=1, max_size=12))
    if name in route.parameters:
        return None
    return Spoiled(raw=replace(route.raw, query=f"{name}=1"), status=422, code="unknown")


def parameter_twice(route: Route, draw: Draw) -> Spoiled | None:
    once = [each for each in route.parameters if each not in route.lists]
    if not once:
        return None
    name = draw(st.sampled_from(once))
    return Spoiled(raw=replace(route.raw, query=f"{name}=1&{name}=1"), status=422, code="duplicate")


def name_twice(route: Route, draw: Draw) -> Spoiled | None:
    objects = [each for each in _objects(route.body) if each]
    if not objects:
        return None
    doubled = draw(st.sampled_from(objects))
    name = draw(st.sampled_from(sorted(doubled)))
    return Spoiled(raw=_with(route, _written(route.body, doubled, name)), status=422, code="duplicate")


def lone_surrogate(route: Route, draw: Draw) -> Spoiled | None:
    if not isinstance(route.body, dict):
        return None
    half = chr(draw(st.integers(0xD800, 0xDFFF)))
    spoiled = draw(st.sampled_from([{**route.body, f"x{half}": 1}, {**route.body, "name": half}]))
    return Spoiled(raw=_with(route, json.dumps(spoiled)), status=400)


def body_where_none_belongs(route: Route, draw: Draw) -> Spoiled | None:
    if route.body is not None:
        return None
    sent = draw(st.sampled_from([b"{}", b"null", b" ", b'{"name":"x"}']))
    return Spoiled(raw=replace(route.raw, body=sent), status=400)


def media_type(route: Route, draw: Draw) -> Spoiled | None:
    if not isinstance(route.body, dict):
        return None
    raw = replace(_with(route, json.dumps(route.body)), content_type=draw(st.sampled_from(OTHER_TYPES)))
    return Spoiled(raw=raw, status=415)


def encoded_slash(route: Route, draw: Draw) -> Spoiled | None:
    slashes = [at for at, each in enumerate(route.raw.path) if each == "/"][1:]
    at = draw(st.sampled_from(slashes))
    path = route.raw.path[:at] + draw(st.sampled_from(["%2f", "%2F"])) + route.raw.path[at + 1 :]
    return Spoiled(raw=replace(route.raw, path=path), status=404)


def method(route: Route, draw: Draw) -> Spoiled | None:
    other = draw(st.sampled_from([each for each in METHODS if each not in route.methods]))
    raw = replace(route.raw, method=other)
    return Spoiled(raw=raw, status=405, headers={"allow": ", ".join(route.methods)})


def deceptive_character(route: Route, draw: Draw) -> Spoiled | None:
    if not route.creates_webhook:
        return None
    deceptive = "a" + draw(st.sampled_from(DECEPTIVE)) + "b"
    assert not is_line(deceptive)
    name = draw(st.sampled_from(["name", "description", "product", route.list_field]))
    value = [deceptive] if name == route.list_field else deceptive
    body = {"url": "https://example.com/", name: value}
    return Spoiled(raw=_with(route, json.dumps(body)), status=422, code="forbidden_character")


def placeholder(route: Route, draw: Draw) -> Spoiled | None:
    if not route.creates_webhook:
        return None
    value = draw(st.sampled_from(PLACEHOLDERS))
    body = {"url": "https://example.com/", "requestConfig": {"headers": {"Authorization": value}}}
    return Spoiled(raw=_with(route, json.dumps(body)), status=422, code="placeholder")


def no_event_types(route: Route, _draw: Draw) -> Spoiled | None:
    if not route.creates_webhook:
        return None
    body = {"url": "https://example.com/", route.list_field: []}
    return Spoiled(raw=_with(route, json.dumps(body)), status=422, code="empty")


SPOILINGS: Final[tuple[Callable[[Route, Draw], Spoiled | None], ...]] = (
    parameter_that_is_none,
    parameter_twice,
    name_twice,
    lone_surrogate,
    body_where_none_belongs,
    media_type,
    encoded_slash,
    method,
    deceptive_character,
    placeholder,
    no_event_types,
)


def check(api: MemoryApi, text: str, spoiled: Spoiled) -> int:
    """Send it by the key `text`. Raises AssertionError: it is not refused as it has to be. Returns the status."""
    raw, topics = spoiled.raw, api.topics
    written = (len(topics.subscriptions.records), len(topics.state.records))
    answer = api.anybody.request(
        raw.method,
        f"{raw.path}?{raw.query}" if raw.query else raw.path,
        content=raw.body,
        headers={"Authorization": f"Bearer {text}", "Content-Type": raw.content_type},
    )
    assert answer.status_code == spoiled.status, (spoiled, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", spoiled
    told = answer.json()
    assert told["requestId"] == answer.headers["request-id"], spoiled
    assert told["detail"], spoiled
    codes = {each["code"] for each in told.get("errors", ())}
    assert spoiled.code is None or spoiled.code in codes, (spoiled, answer.text)
    assert spoiled.headers.items() <= dict(answer.headers).items(), (spoiled, answer.headers)
    assert (len(topics.subscriptions.records), len(topics.state.records)) == written, spoiled
    return int(answer.status_code)


def _with(route: Route, body: str) -> Raw:
    return replace(route.raw, body=body.encode())


def _objects(node: Node) -> Iterator[dict[str, Node]]:
    match node:
        case dict():
            yield node
            for each in node.values():
                yield from _objects(each)
        case list():
            for each in node:
                yield from _objects(each)


def _written(node: Node, doubled: dict[str, Node], name: str) -> str:
    """JSON in which this object has this member twice."""
    match node:
        case dict():
            members = [f"{json.dumps(key)}:{_written(value, doubled, name)}" for key, value in node.items()]
            again = [f"{json.dumps(name)}:{json.dumps(node[name])}"] if node is doubled else []
            return "{" + ",".join([*members, *again]) + "}"
        case list():
            return "[" + ",".join(_written(each, doubled, name) for each in node) + "]"
        case _:
            return json.dumps(node)
