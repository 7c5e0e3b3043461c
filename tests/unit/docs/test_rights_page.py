"""The table of rights in docs/security.md is what the roles' list says."""

from make.rights_page import PAGE, page


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"
