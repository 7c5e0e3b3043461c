"""The API of each brand against its own OpenAPI: any request may come, and no answer may be a surprise.

The law: no 5xx, and nothing is answered that the document does not announce: no status, no media type, no header, no
shape. Beside these, requests that are right but for one thing (`tests/spoiled.py`) are refused for that thing. Kafka,
Redis, the DNS and the endpoints are fakes; everything between them is real.

`python -m tests.fuzz --cases 10000 [--seed N]`: the last line is the verdict.
"""

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
import structlog
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as openapi

from consumer.brands.loader import load_brands
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.jobs.job import State
from tests.dead_letters import dead_letter
from tests.memory_api import MemoryApi
from tests.spoiled import SPOILINGS, check, route_of

_STATES: Final = tuple(state for state in State if state is not State.REFUSED)
CHECKS: Final = (
    not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
)


@dataclass(slots=True)
class Report:
    """What was sent, and how it was answered."""

    cases: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    spoiled: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Report") -> "Report":
        return Report(
            cases=self.cases + other.cases,
            answers=self.answers + other.answers,
            spoiled=self.spoiled + other.spoiled,
        )


def fuzz(brand: str, cases: int, number: int, api: MemoryApi | None = None) -> Report:
    """Send about so many requests to a brand's API, the same for the same number. Raises what schemathesis found."""
    with quiet():
        fuzzing = _Fuzzing(brand, api or MemoryApi(brands=[brand]), number)
        schema = schemathesis.openapi.from_asgi(f"/brands/{brand}/openapi.json", fuzzing.api.app)
        operations = list(schema.get_all_operations())
        for operation in operations:
            assert isinstance(operation, Ok), operation
            fuzzing.ask(operation.ok(), cases // len(operations) + 1)
            fuzzing.spoil(operation.ok(), cases // len(operations) // len(SPOILINGS) + 1)
        return fuzzing.report


class _Fuzzing:
    """One brand's."""

    def __init__(self, brand: str, api: MemoryApi, number: int) -> None:
        self.report = Report()
        self.api = api
        self._brand = brand
        self._number = number
        self._text = api.key(*Scope, brand=brand)[1]

    def ask(self, operation: APIOperation[Any, Any, Any, Any], cases: int) -> None:
        """Requests that fit the document, and some that do not."""
        sent = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

        @self._drawn(cases)
        @given(case=sent, of_an_object=st.booleans())
        def ask(case: Case[Any], of_an_object: bool) -> None:
            if of_an_object and "id" in (case.path_parameters or {}):
                case.path_parameters["id"] = self._object(operation.path)
            key = {"Authorization": f"Bearer {self._text}"}
            answer = case.call_and_validate(headers=key, checks=list(CHECKS))
            self.report.cases += 1
            self.report.answers[int(answer.status_code)] += 1

        ask()

    def spoil(self, operation: APIOperation[Any, Any, Any, Any], cases: int) -> None:
        """Requests that fit the document but for one thing, each thing in turn."""
        list_field = load_brands()[self._brand].api.list_field
        takes_a_body = "requestBody" in operation.definition.raw

        @self._drawn(cases)
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), data=st.data())
        def spoil(case: Case[Any], data: st.DataObject) -> None:
            body = (case.body if isinstance(case.body, dict) else {}) if takes_a_body else None
            route = route_of(operation, body, list_field)
            for spoiling in SPOILINGS:
                spoiled = spoiling(route, data.draw)
                if spoiled is not None:
                    self.report.answers[check(self.api, self._text, spoiled)] += 1
                    self.report.cases += 1
                    self.report.spoiled[spoiling.__name__] += 1

        spoil()

    def _drawn(self, cases: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
        return lambda asking: seed(self._number)(
            settings(
                max_examples=cases,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )(asking)
        )

    def _object(self, path: str) -> str:
        """The id of something that is there for this path."""
        api, brand = self.api, self._brand
        if "/keys" in path:
            return api.key(brand=brand)[0].id
        if "/jobs" in path:
            return api.jobs.put(Owner(tenant="acme", brand=brand), state=_STATES[len(api.jobs.known) % len(_STATES)])
        made = api.webhook(api.client(Scope.WRITE, brand=brand), load_brands()[brand].api.base_path)["id"]
        if "/dead-letters/{id}" not in path and "/deliveries/{id}" not in path:
            return str(made)
        letter = replace(dead_letter(len(api.dead_letters.records), made), brand=brand)
        api.dead_letters.add(letter)
        return letter.delivery.id


@contextmanager
def quiet() -> Iterator[None]:
    """Without a line for each request, and without what the tools say of each other."""
    with structlog.testing.capture_logs(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def main() -> int:
    """Fuzz every brand and print the verdict."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    brands = sorted(load_brands())
    report = Report()
    for brand in brands:
        found = fuzz(brand, asked.cases // len(brands) + 1, asked.seed)
        sys.stdout.write(f"{brand}: {found.cases} requests, {dict(sorted(found.answers.items()))}\n")
        report += found
    sys.stdout.write(f"spoiled: {dict(sorted(report.spoiled.items()))}\n")
    sys.stdout.write(f"fuzz: {report.cases} requests, nothing undocumented and nothing passed over\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
