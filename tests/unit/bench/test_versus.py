"""What is made of the rounds in which several take turns."""

from bench.versus import Figures, bars, told


def test_a_ratio_is_made_within_a_round_and_the_middle_one_is_told() -> None:
    """The second round is twice as slow for all: figures of two rounds would compare minutes, not contestants."""
    rounds = {
        "hookline": [Figures(cpu_us=each, per_s=1e6 / each, rss_mb=100 + each) for each in (60.0, 120.0, 66.0)],
        "go": [Figures(cpu_us=each, per_s=1e6 / each, rss_mb=50.0) for each in (30.0, 60.0, 30.0)],
        "wrk": [Figures(cpu_us=each, per_s=1e6 / each) for each in (10.0, 30.0, 10.0)],
    }
    found = told(rounds)
    assert (found["times_go"], found["times_go_range"]) == (2.0, [2.0, 2.2])
    assert (found["times_wrk"], found["times_wrk_range"]) == (6.0, [4.0, 6.6])
    assert (found["limit_us_per_request"], found["limit_requests_per_s"]) == (10.0, 100_000.0)
    versus = found["versus"]
    assert isinstance(versus, dict)
    assert versus["hookline"] == {
        "cpu_us": 66.0,
        "cpu_us_rounds": [60.0, 120.0, 66.0],
        "per_s": 15_151.515,
        "rss_mb": 220.0,
    }
    assert "rss_mb" not in versus["wrk"]


def test_a_delivery_that_costs_a_twentieth_more_than_at_base_is_a_bar_missed() -> None:
    [bar] = bars("HEAD~1")
    assert bar.cleared({"times_base": 1.05})
    assert not bar.cleared({"times_base": 1.06})
    assert not bar.cleared({})
    assert not bars("")
