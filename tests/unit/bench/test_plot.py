"""The picture of what a delivery costs."""

import re

from bench.plot import cost


def widths(picture: str) -> list[int]:
    return [int(each) for each in re.findall(r'<rect class="[ob]" [^>]*width="(\d+)"', picture)]


def test_a_bar_is_as_long_as_its_figure_and_one_that_is_far_longer_is_cut() -> None:
    figures = {
        "hookline": {"cpu_us": 50.0},
        "wrk": {"cpu_us": 5.0},
        "go": {"cpu_us": 100.0},
        "httpx": {"cpu_us": 2_000.0},
    }
    picture = cost(figures)
    assert widths(picture) == [20, 200, 400, 430]  # the order is the picture's own
    assert picture.count('class="c"') == 1
    assert "confluent-kafka + httpx 2,000" in picture
    assert cost({name: figures[name] for name in ("wrk", "go")}).count('class="c"') == 1
    assert cost({name: figures[name] for name in ("hookline", "go")}).count('class="c"') == 0
    assert widths(cost({"hookline": {"cpu_us": 50.0}})) == [400]
