import logging

from consumer.telemetry.repeats import Repeats

REFUSED = (
    "FAIL [hookline#{client}] [thrd:127.0.0.1:{port}/bootstrap]: 127.0.0.1:{port}/bootstrap: "
    "Connect to ipv4#127.0.0.1:{port} failed: Connection refused (after {ms}ms in state CONNECT)"
)


def line(message: str, level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord("librdkafka", level, "", 0, message, (), None)


def test_what_says_the_same_is_heard_once_whoever_says_it() -> None:
    repeats = Repeats(monotonic_s=lambda: 0.0)
    heard = [
        repeats.filter(line(REFUSED.format(client=client, port=port, ms=ms)))
        for client in ("consumer-1", "producer-3")
        for port in (9092, 9093)
        for ms in range(100)
    ]
    assert heard.count(True) == 1
    assert heard[0]


def test_what_says_something_else_is_heard_too() -> None:
    repeats = Repeats(monotonic_s=lambda: 0.0)
    refused = REFUSED.format(client="consumer-1", port=1, ms=0)
    assert repeats.filter(line(refused))
    assert repeats.filter(line(refused.replace("Connection refused", "Host is down")))
    assert repeats.filter(line(refused.replace("FAIL", "ERROR")))
    assert repeats.filter(line(refused, logging.WARNING))


def test_after_a_minute_it_is_heard_again_with_how_often_it_was_said() -> None:
    now_s = 0.0
    repeats = Repeats(monotonic_s=lambda: now_s)
    for _ in range(8):
        repeats.filter(line("FAIL [a]: b: Disconnected"))
    now_s = 61.0
    again = line("FAIL [a]: b: Disconnected")
    assert repeats.filter(again)
    assert again.getMessage() == "FAIL [a]: b: Disconnected (and 7 times in between)"
    assert not repeats.filter(line("FAIL [a]: b: Disconnected"))


def test_no_more_is_remembered_than_it_can_hold() -> None:
    repeats = Repeats(monotonic_s=lambda: 0.0)
    for number in range(1_000):
        word = "".join("abcdefghij"[int(digit)] for digit in str(number))
        assert repeats.filter(line(f"FAIL: {word}"))
    assert len(repeats._said) <= 200
