from consumer.api.seen import Seen
from consumer.telemetry.snapshot import Reading
from tests.memory_api import MemoryApi

OURS = {"hookline_api_requests_total", "hookline_api_duration_seconds"}


def values(seen: Seen) -> dict[tuple[str, tuple[str, ...]], float]:
    reading = Reading("api")
    seen.tell(reading)
    return {(name, labels): value for name, labels, value in reading.snapshot(()).values if name in OURS}


def test_requests_are_counted_by_route_and_timed() -> None:
    seen = Seen()
    seen.answered("GET", "/v1/webhooks/{id}", 200, 0.02)
    seen.answered("GET", "/v1/webhooks/{id}", 200, 3)
    seen.answered("GET", "/v1/webhooks/{id}", 404, 0.02)

    assert values(seen) == {
        ("hookline_api_requests_total", ("GET", "/v1/webhooks/{id}", "200")): 2,
        ("hookline_api_requests_total", ("GET", "/v1/webhooks/{id}", "404")): 1,
    }
    reading = Reading("api")
    seen.tell(reading)
    [(name, labels, counts, total)] = reading.snapshot(()).histograms
    assert (name, labels, sum(counts), round(total, 2)) == (
        "hookline_api_duration_seconds",
        ("/v1/webhooks/{id}",),
        3,
        3.04,
    )


def test_what_a_client_makes_up_is_no_word_of_a_label() -> None:
    seen = Seen()
    seen.answered("BREW", None, 404, 0.1)
    seen.answered("GET", None, 404, 0.1)

    assert {labels for _, labels in values(seen)} == {("other", "none", "404"), ("GET", "none", "404")}


def test_the_api_counts_what_it_answers() -> None:
    from consumer.api.seen import seen  # noqa: PLC0415 # the process's own, which others count into as well

    api = MemoryApi()
    key = ("hookline_api_requests_total", ("GET", "/v1/webhooks", "200"))
    before = values(seen).get(key, 0)
    api.client().get("/v1/webhooks")

    assert values(seen)[key] == before + 1
