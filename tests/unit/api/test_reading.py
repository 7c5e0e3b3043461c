"""What people see who open the API's address in a browser."""

import pytest

from tests.memory_api import MemoryApi


@pytest.fixture(scope="module")
def api() -> MemoryApi:
    return MemoryApi()


@pytest.mark.parametrize("path", ["/", "/docs", "/brands/hookline/docs"])
def test_a_page_needs_no_key_loads_nothing_and_runs_nothing(api: MemoryApi, path: str) -> None:
    answer = api.anybody.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for what in ("<script", "<img", "<link", "<iframe", "style=", "http://", " src="):
        assert what not in answer.text, what


def test_the_first_page_leads_to_the_description(api: MemoryApi) -> None:
    page = api.anybody.get("/").text
    assert 'href="/docs"' in page
    assert 'href="/openapi.json"' in page


def test_the_description_has_each_operation_once_with_its_words(api: MemoryApi) -> None:
    page = api.anybody.get("/docs").text
    document = api.anybody.get("/openapi.json").json()
    asked = [(method, path) for path, item in document["paths"].items() for method in item]
    assert len(asked) > 20
    for method, path in asked:
        row = f"<tr><td><code>{method.upper()}</code></td><td><code>{path}</code></td><td>"
        assert page.count(row) == 1, row
        assert not page.partition(row)[2].startswith("</td>"), row


def test_where_nobody_has_the_usual_brand_the_first_page_leads_nowhere() -> None:
    api = MemoryApi(brands=["convo"])
    page = api.anybody.get("/")
    assert page.status_code == 200
    assert "href" not in page.text
    assert api.anybody.get("/docs").status_code == 401
    assert 'href="/brands/convo/openapi.json"' in api.anybody.get("/brands/convo/docs").text


def test_only_reading_is_answered_to_anybody(api: MemoryApi) -> None:
    assert api.anybody.head("/").status_code == 200
    assert api.anybody.post("/").status_code == 401
