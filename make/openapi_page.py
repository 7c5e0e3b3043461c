"""An OpenAPI document as Markdown for people: routes with their parameters, an example to run, answers, problems. Pure.

The law: nothing is said here that the document does not say, and what it says of a route stands at the route once;
what all routes have in common is left to the page around it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

Node: TypeAlias = Mapping[str, Any]  # Any: OpenAPI is JSON Schema, nested as it likes

_JSON: Final = "application/json"
_REQUIRED: Final = ", **required**"
_FORMATS: Final = {"date-time": "time"}


class Document:
    """One OpenAPI document. `examples` are requests' bodies by operationId, for those that need one."""

    def __init__(self, document: Node, examples: Mapping[str, Node]) -> None:
        self._document = document
        self._examples = examples
        self.operations: list[tuple[str, str, Node]] = [
            (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
        ]
        every = [set(operation["responses"]) for _, _, operation in self.operations]
        self._common = {status for status in set.intersection(*every) if not status.startswith("2")}

    def routes(self) -> Iterator[str]:
        """Every route, under its tag's heading."""
        for tag in self._document["tags"]:
            tagged = [each for each in self.operations if tag["name"] in each[2]["tags"]]
            if tagged:
                yield f"## {tag['name'].capitalize()}\n\n{tag['description']}\n"
                for method, path, operation in tagged:
                    yield from self._route(method, path, operation)

    def objects(self) -> Iterator[str]:
        """Everything that an answer is, a heading and a table each."""
        for name in self._answered():
            schema = self._document["components"]["schemas"][name]
            yield f"### {name}\n\n{schema.get('description', '')}\n"
            yield from _table(("field", "type", ""), self._fields(schema))

    def problems(self) -> Iterator[str]:
        """What each status means, and whether every route may answer with it."""
        told = {
            status: answer["description"]
            for _, _, operation in self.operations
            for status, answer in operation["responses"].items()
            if not status.startswith("2")
        }
        rows = ((f"`{each}`", "every route" if each in self._common else "some", told[each]) for each in sorted(told))
        yield from _table(("status", "from", ""), rows)

    def _route(self, method: str, path: str, operation: Node) -> Iterator[str]:
        scope = operation["x-required-scope"]
        yield f"### {operation['summary']}\n\n`{method} {path}` · scope `{scope}`\n"
        if "description" in operation:
            yield operation["description"] + "\n"
        yield self._curl(method, path, operation)
        yield from self._parameters(operation)
        body = self._body(operation)
        if body is not None:
            rows = sorted(self._fields(body), key=lambda row: _REQUIRED not in row[1])
            yield from _table(("in the body", "type", ""), rows)
        yield self._answers(operation)

    def _parameters(self, operation: Node) -> Iterator[str]:
        """The query's, and the names of headers, which mean the same everywhere. The path's are in the example."""
        named = operation.get("parameters", ())
        query = [
            (f"`{each['name']}`", self._type(each["schema"]), each["description"])
            for each in named
            if each["in"] == "query"
        ]
        headers = [f"`{each['name']}`" for each in named if each["in"] == "header"]
        if query:
            yield from _table(("in the query", "type", ""), query)
        if headers:
            yield f"Headers: {', '.join(headers)} ([what they do](#requests-and-answers)).\n"

    def _curl(self, method: str, path: str, operation: Node) -> str:
        words = ["curl", *(() if method == "GET" else ("-X", method)), f'"$API{_with_variable(path)}"']
        words += ["-H", '"Authorization: Bearer $KEY"']
        lines = [" ".join(words)]
        example = self._examples.get(operation["operationId"])
        if example is not None:
            lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(example)}'"]
        return "```bash\n" + " \\\n  ".join(lines) + "\n```\n"

    def _answers(self, operation: Node) -> str:
        said = []
        for status, answer in operation["responses"].items():
            if not status.startswith("2"):
                continue
            if _JSON not in answer["content"]:
                said.append(f"`{status}`: {' or '.join(f'`{each}`' for each in answer['content'])}")
            else:
                name = _named(answer["content"][_JSON]["schema"])
                etag = ", with an ETag" if "ETag" in answer.get("headers", {}) else ""
                what = name.removesuffix("List")
                shown = f"[{what}](#{what.lower()})"
                said.append(f"`{status}`: {'a page of ' if what != name else ''}{shown}{etag}")
        own = [f"`{status}`" for status in operation["responses"] if status[0] != "2" and status not in self._common]
        problems = ", ".join([*own, "[those of every route](#problems)"])
        return f"Answers {', '.join(said)}. Problems: {problems}.\n"

    def _body(self, operation: Node) -> Node | None:
        if "requestBody" not in operation:
            return None
        return self._resolved(operation["requestBody"]["content"][_JSON]["schema"])

    def _answered(self) -> list[str]:
        found: dict[str, None] = {}
        for _, _, operation in self.operations:
            for status, answer in operation["responses"].items():
                if status.startswith("2") and _JSON in answer["content"]:
                    found[_named(answer["content"][_JSON]["schema"]).removesuffix("List")] = None
        return list(found)

    def _fields(self, schema: Node, before: str = "") -> Iterator[tuple[str, ...]]:
        """A row for each field, those of an object inside under its name and a dot."""
        for name, field in schema.get("properties", {}).items():
            inner = self._resolved(field)
            required = _REQUIRED if before == "" and self._asked(schema, name) else ""
            told = field.get("description") or ("" if "enum" in inner else inner.get("description", ""))
            yield f"`{before}{name}`", self._type(field) + required, told.replace("\n", " ")
            yield from self._fields(inner, f"{before}{name}.")

    def _asked(self, schema: Node, name: str) -> bool:
        """Whether a request has to have this field. An answer always has all of its own."""
        return schema.get("additionalProperties") is False and name in schema.get("required", ())

    def _resolved(self, schema: Node) -> Node:
        """The schema itself, where it is a reference or may also be null."""
        if "$ref" in schema:
            found: Node = self._document["components"]["schemas"][_named(schema)]
            return found
        choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
        return self._resolved(choices[0]) if len(choices) == 1 else schema

    def _type(self, schema: Node) -> str:
        inner = self._resolved(schema)
        null = " or null" if {"type": "null"} in schema.get("anyOf", ()) else ""
        if "const" in inner:
            return f"`{json.dumps(inner['const'])}`" + null
        if "enum" in inner:
            return ", ".join(f"`{each}`" for each in inner["enum"]) + null
        kind: str = inner.get("type", "any JSON")
        if kind == "array":
            return f"list of {self._type(inner['items'])}" + null
        span = f", {inner['minimum']:g} to {inner['maximum']:g}" if {"minimum", "maximum"} <= inner.keys() else ""
        return _FORMATS.get(inner.get("format", ""), kind) + span + null


def _with_variable(path: str) -> str:
    """`{id}` as a variable of the shell, named after what it is an id of; a uid is an example's."""
    segments = path.split("/")
    if "{id}" in segments:
        at = segments.index("{id}")
        one = re.sub("ies$", "y", segments[at - 1]).removesuffix("s")
        segments[at] = f"${one.upper().replace('-', '_')}_ID"
    return "/".join(segments).replace("{uid}", "billing")


def _named(schema: Node) -> str:
    name: str = schema["$ref"].rpartition("/")[2]
    return name


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    yield "\n".join(lines) + "\n"
