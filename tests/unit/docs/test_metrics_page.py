"""The table of metrics in docs/operating.md is what the catalogue says."""

from make.metrics_page import PAGE, page


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"
