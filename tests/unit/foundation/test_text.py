"""What text may hold: one rule for producers and customers."""

import sys
import unicodedata

from consumer.text import is_line, is_lines, is_name

DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def test_no_control_line_separator_direction_mark_or_lone_surrogate_passes() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        deceives = unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in DIRECTION
        assert is_line(character) is not deceives, hex(number)
        assert is_lines(character) is (not deceives or character in "\t\n\r"), hex(number)
        if deceives:
            assert not is_name(character)


def test_words_of_people_pass() -> None:
    for words in ("", "Ordres payées", "注文", "שלום", "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}", "a  b"):
        assert is_line(words), words
