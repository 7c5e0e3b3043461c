"""The API's client: one request at a time with a key, and a refusal as the error that the other way would raise.

The law: the key goes to the URL that was named and nowhere else (no redirect is followed), and what is no answer of a
Hookline API is never taken for one.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeAlias

import httpx
import msgspec

from consumer.cli.credentials import Credentials
from consumer.cli.exits import CommandFailed, say, unavailable, usage
from consumer.control import tenant_header
from consumer.json import Json
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong

Params: TypeAlias = Mapping[str, str | list[str]]
"""A query: several values of a parameter are alternatives."""

_PAGE: Final = 100
_WAITS: Final = 4
_LONGEST_WAIT_S: Final = 30.0
_NOTICE: Final = "notice"
# A test event waits for its endpoint, which has 30 s.
_TIMEOUT: Final = httpx.Timeout(45.0, connect=5.0)

# What else an API may answer: everything that is not here is wrong input.
_CODES: Final[dict[int, int]] = {
    HTTPStatus.FORBIDDEN: os.EX_NOPERM,
    HTTPStatus.METHOD_NOT_ALLOWED: os.EX_USAGE,
    HTTPStatus.CONFLICT: os.EX_TEMPFAIL,
    HTTPStatus.PRECONDITION_FAILED: os.EX_TEMPFAIL,
    HTTPStatus.TOO_MANY_REQUESTS: os.EX_TEMPFAIL,
}

# What the API calls otherwise than the commands do.
_FIELDS: Final = {
    "topics": "event_types",
    "events": "event_types",
    "rateLimit": "rate_per_s",
    "timeoutMs": "timeout_ms",
}
_INSIDE: Final = "requestConfig."


class ApiClient:
    """Speaks for one key. A context manager."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            CommandFailed: 64, the URL is none, or what goes with it cannot be sent in a header.
        """
        self.brand = credentials.brand
        self._sleep = sleep
        base = _base(url)
        self._client = httpx.Client(base_url=base, headers=_headers(credentials), timeout=_TIMEOUT, transport=transport)
        # Never with its path or password, should somebody have put a secret there.
        self._name = f"{base.scheme}://{base.netloc.decode('ascii')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        del kind, error, traceback
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Json] | None = None,
        *,
        params: Params | None = None,
        unknown: Exception | None = None,
    ) -> dict[str, Json]:
        """One thing, out of the brand's envelope. What the API gives notice of is said on standard error.

        Raises:
            FieldInvalid: a field is refused.
            Exception: `unknown`, there is no such thing.
            CommandFailed: everything else that is no success; `exits.py` has the codes.
        """
        assert "?" not in path, "httpx drops a query that stands in the path: give params"
        told = self._told(method, path, body, params=params or {}, unknown=unknown)
        if self.brand.api.envelope == "data":
            return self._object(told.get("data"))
        return told

    def pages(self, path: str, chosen: Params | None = None) -> Iterator[dict[str, Json]]:
        """Every item of a list that is chosen, page after page. Raises as `ask`."""
        params: dict[str, str | list[str]] = {"limit": str(_PAGE), **(chosen or {})}
        while True:
            items, told = self.page(path, params)
            yield from items
            cursor = told.get("nextCursor")
            if not isinstance(cursor, str):
                return
            params["cursor"] = cursor

    def page(self, path: str, params: Params) -> tuple[list[dict[str, Json]], dict[str, Json]]:
        """The items of a page, and what else is told of it. Raises as `ask`."""
        told = self._told("GET", path, None, params=params, unknown=None)
        items = told.get("data")
        if not isinstance(items, list):
            raise self._stranger()
        return [self._object(each) for each in items], told

    def _told(
        self,
        method: str,
        path: str,
        body: Mapping[str, Json] | None,
        *,
        params: Params,
        unknown: Exception | None,
    ) -> dict[str, Json]:
        answer = self._sent(method, path, body, params)
        for _ in range(_WAITS):
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            self._sleep(_wait_s(answer))
            answer = self._sent(method, path, body, params)
        told = self._read(answer)
        if not answer.is_success:
            raise _refusal(answer.status_code, told, unknown)
        if notice := answer.headers.get(_NOTICE):
            say(notice)
        return told

    def _sent(self, method: str, path: str, body: Mapping[str, Json] | None, params: Params) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            return self._client.request(method, path, params=params, content=content, headers=headers)
        except httpx.TransportError as error:
            done = "" if method == "GET" or isinstance(error, httpx.ConnectError) else "; it may have been done"
            reason = str(error) or type(error).__name__
            raise unavailable(f"the API at {self._name} is out of reach: {reason}{done}", field="--api") from None

    def _read(self, answer: httpx.Response) -> dict[str, Json]:
        if not (answer.is_success or answer.is_error):
            raise self._stranger()
        try:
            return self._object(msgspec.json.decode(answer.content))
        except msgspec.DecodeError:
            if answer.is_server_error:  # a proxy's
                raise unavailable(f"the API at {self._name} answered {answer.status_code}") from None
            raise self._stranger() from None

    def _object(self, told: Json) -> dict[str, Json]:
        if not isinstance(told, dict):
            raise self._stranger()
        return told

    def _stranger(self) -> CommandFailed:
        return CommandFailed(os.EX_PROTOCOL, f"what answers at {self._name} is no Hookline API")


def _base(url: str) -> httpx.URL:
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL:
        base = httpx.URL("")
    if base.scheme not in {"http", "https"} or not base.host:
        raise usage("--api is a URL, as in https://hooks.example.com", field="--api")
    return base


def _headers(credentials: Credentials) -> dict[str, str]:
    if not (credentials.key.isascii() and credentials.key.isprintable()):
        raise usage("--key has characters that no key has", field="--key")
    said = {"Authorization": f"Bearer {credentials.key}", "Hookline-Brand": credentials.brand.name}
    if credentials.tenant is None:
        return said
    try:
        return said | {tenant_header.NAME: tenant_header.written(credentials.tenant)}
    except FieldInvalid as error:
        raise usage(f"--tenant {error.message}", field="--tenant") from None


def _refusal(status: int, told: Mapping[str, Json], unknown: Exception | None) -> Exception:
    """A problem (RFC 9457) as an error of the commands."""
    detail = str(told.get("detail") or told.get("title") or f"the API answered {status}")
    if isinstance(other := told.get("job"), str):  # the one that is in the way
        detail += f" ({other})"
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return CommandFailed(os.EX_NOPERM, "the API does not take this key: see --key and HOOKLINE_API_KEY")
        case HTTPStatus.NOT_FOUND if unknown is not None:
            return unknown
        case _ if (invalid := _invalid(told.get("errors"))) is not None:
            return invalid
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return unavailable(detail)
        case _:
            return CommandFailed(_CODES.get(status, os.EX_DATAERR), detail)


def _invalid(errors: Json) -> FieldInvalid | None:
    """The fields refused, by the names that the commands know."""
    if not isinstance(errors, list) or not errors:
        return None
    wrong = [_wrong(each) for each in errors]
    known = [each for each in wrong if each is not None]
    return FieldInvalid(*known) if len(known) == len(wrong) else None


def _wrong(error: Json) -> Wrong | None:
    match error:
        case {"field": str(field), "code": str(code), "message": str(message)} if code in set(Code):
            first, dot, inside = field.removeprefix(_INSIDE).partition(".")
            name = _FIELDS.get(first) or re.sub("([A-Z])", r"_\1", first).lower()
            return Wrong(field=name + dot + inside, code=Code(code), message=message)
        case _:
            return None


def _wait_s(answer: httpx.Response) -> float:
    """How long to wait before the next try: what the API asks for (RFC 9110 section 10.2.3), within reason."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT_S) if asked.isascii() and asked.isdigit() else 1.0
