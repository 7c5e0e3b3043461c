"""What an API answers when it does not do what was asked: RFC 9457 problem details.

The law: every answer that is not a success has this form, whoever refuses: the front, a route, or a bug. Fields are
named as in the request's body, and nothing that was sent is repeated.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from consumer.webhooks.wrong import Code, Wrong

MEDIA_TYPE: Final = "application/problem+json"
# So that nobody takes the problem for one of HTTP's own: RFC 9457 section 4.2.1.
_NO_TYPE: Final = "about:blank"


class FieldProblem(BaseModel):
    """One field that cannot be."""

    field: Annotated[str, Field(description="Its name in the request, dots between names inside each other.")]
    code: Annotated[Code, Field(description="The kind of fault, for a program. It never changes its meaning.")]
    message: Annotated[str, Field(description="What is wrong with it and what to do, for a person.")]


class Problem(BaseModel):
    """Why a request was not done (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "url: must begin with https://",
                    "errors": [{"field": "url", "code": "not_https", "message": "must begin with https://"}],
                    "requestId": "5f1d7a2c9b3e4f60",
                }
            ]
        }
    )

    type: Annotated[str, Field(description="Always about:blank: the status says which kind it is.")]
    title: Annotated[str, Field(description="The status in words.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    detail: Annotated[str, Field(description="What happened and what to do, for a person.")]
    errors: Annotated[list[FieldProblem] | None, Field(description="All the fields refused, where fields were.")] = None
    code: Annotated[
        str | None, Field(description="Why not, for a program, where more than one thing can stand in the way.")
    ] = None
    job: Annotated[str | None, Field(description="The id of the job that stands in the way.")] = None
    request_id: Annotated[
        str, Field(alias="requestId", description="The answer's Request-Id: name it when you ask about it.")
    ]


class Refusal(Exception):  # noqa: N818 # it is an answer, not a bug
    """Raised anywhere below the front, it becomes the answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
        job: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.code = code
        self.job = job

    def answer(self, request_id: str) -> Response:
        """The problem as a response to this request."""
        body = told(self.status, self.detail, request_id, errors=self.errors, code=self.code, job=self.job)
        return Response(body, status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE)


def told(
    status: HTTPStatus,
    detail: str,
    request_id: str,
    *,
    errors: Sequence[Wrong] = (),
    code: str | None = None,
    job: str | None = None,
) -> bytes:
    """A problem as JSON."""
    problem: dict[str, object] = {"type": _NO_TYPE, "title": title(status), "status": int(status), "detail": detail}
    if errors:
        problem["errors"] = [{"field": each.field, "code": each.code.value, "message": each.message} for each in errors]
    problem |= {name: value for name, value in (("code", code), ("job", job)) if value is not None}
    return msgspec.json.encode(problem | {"requestId": request_id})


def title(status: HTTPStatus) -> str:
    """The status in the words of RFC 9110, which Python 3.11 and 3.13 do not have alike."""
    match status:
        case HTTPStatus.UNPROCESSABLE_ENTITY:
            return "Unprocessable Content"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return "Content Too Large"
        case _:
            return status.phrase


def invalid(*wrong: Wrong) -> Refusal:
    """Fields that cannot be, by their names in the request: 422. The detail tells all of them too."""
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(map(str, wrong)), errors=wrong)


def not_found(detail: str) -> Refusal:
    """There is no such thing, or it is another's: 404."""
    return Refusal(HTTPStatus.NOT_FOUND, detail)


def unavailable(detail: str, *, again_in_s: int = 1) -> Refusal:
    """What is needed is out of reach for the moment: 503."""
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(again_in_s)})
