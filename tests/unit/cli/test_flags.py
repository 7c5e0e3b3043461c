import os

import pytest

from consumer.cli.exits import CommandFailed
from consumer.cli.flags import checked_limit


def test_a_limit_is_a_number_above_0_or_none() -> None:
    assert [checked_limit(limit) for limit in (None, 1, 500)] == [None, 1, 500]
    for wrong in (0, -1):
        with pytest.raises(CommandFailed, match="--limit") as caught:
            checked_limit(wrong)
        assert caught.value.code == os.EX_USAGE
