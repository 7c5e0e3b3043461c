"""docs/brands.md: its example is a brand, and its tables are the fields there are."""

import re
from pathlib import Path

import jsonschema_rs
import pytest

from consumer.brands.loader import BrandInvalid, load_brands
from consumer.brands.look import Api, Look
from consumer.brands.pages import LookTable, WordsTable
from tests import markdown
from tests.brands_page import OWN_EVENTS, PAGE, write_acme


def test_the_example_is_a_brand_whose_samples_are_what_their_schemas_say(tmp_path: Path) -> None:
    acme = load_brands(write_acme(tmp_path))["acme"]
    assert [entry.type for entry in acme.catalogue] == ["parcel.sent", "parcel.lost", *OWN_EVENTS]
    for entry in acme.catalogue:
        assert jsonschema_rs.Draft202012Validator(dict(entry.schema), validate_formats=True).is_valid(entry.sample)


def test_the_error_is_the_one_that_is_shown(tmp_path: Path) -> None:
    look = write_acme(tmp_path) / "acme.toml"
    look.write_text(look.read_text().replace('list_field = "events"', 'list_field = "types"'))
    with pytest.raises(BrandInvalid) as refused:
        load_brands(tmp_path)
    assert f"hookline: {refused.value}\n" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("table", "model"), [("look", Look), ("api", Api), ("pages", LookTable)])
def test_the_tables_list_every_field_with_its_default(table: str, model: type[Look | Api | LookTable]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\|", markdown.between(PAGE, table), re.MULTILINE)
    assert dict(rows) == {
        name: "required" if field.is_required() else _shown(field.default) for name, field in model.model_fields.items()
    }


def test_the_table_of_words_lists_every_one_of_them() -> None:
    rows = re.findall(r"^\| `(\w+)` \| \"", markdown.between(PAGE, "words"), re.MULTILINE)
    assert rows == list(WordsTable.model_fields)


def _shown(default: object) -> str:
    match default:
        case None | Api() | LookTable() | WordsTable():
            return ""
        case bool():
            return f"`{str(default).lower()}`"
        case _:
            return f"`{default}`"


def test_the_brands_that_come_with_hookline_are_all_there_and_as_they_are() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## The brands that come with Hookline")[2]
    row = r"^\| `([a-z]+)` \| `(.*?)` \| `(.*?)` \| (.*?) \|.*?\| `(\w+)…` \|$"
    assert sorted(re.findall(row, section, re.MULTILINE)) == sorted(
        (name, of.api.base_path, of.api.list_field, _answers(of.api.envelope), of.key_prefix)
        for name, of in load_brands().items()
    )


def _answers(envelope: str) -> str:
    return "bare" if envelope == "bare" else f"under `{envelope}`"
