"""docs/data.md says what is said: the error of a lost key, and the columns of a table."""

import pytest

from consumer.transfer.csv_file import COLUMNS
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from tests import markdown

PAGE = markdown.ROOT / "docs" / "data.md"


def test_the_error_of_a_lost_key_is_the_one_that_is_told() -> None:
    sealed = Keyring({"k1": b"1" * 32}).seal(b"secret", tenant="acme", subscription_id="wh_1")
    with pytest.raises(SecretUnreadable) as lost:
        Keyring({"k2": b"2" * 32}).open(sealed, tenant="acme", subscription_id="wh_1")
    assert str(lost.value) in markdown.between(PAGE, "lost")


def test_every_column_of_a_table_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## From a table")[2].partition("\n## ")[0]
    assert [each for each in COLUMNS if each not in text] == []
