from msgspec.structs import replace

from consumer.cli.status_view import screen
from consumer.roles.status import Deliveries, Process, Status, Topic, Trouble
from consumer.telemetry.admin_client import place_of

PROCESS = Process(
    role="deliver",
    slot=0,
    pid=11,
    running=True,
    reasons=[],
    restarts=0,
    silent_for_s=0.3,
    memory_bytes=92_000_000,
    cpu_s=3.0,
    partitions=4,
    leads=None,
)
STATUS = Status(
    version="0.1.0",
    ready=True,
    alive=True,
    reasons=[],
    processes=[PROCESS],
    topics=[Topic(topic="orders", unstarted=1234, unfinished=3, oldest_age_s=0.4)],
    deliveries=Deliveries(waiting=0, in_flight=3, held_until_due=7, overdue_s=0),
    attempts={"delivered": 12},
    lanes={"in_order": 2},
    webhooks={"accepting": 2},
    events={},
    poison={},
    dead_letters={},
    dropped={},
    troubles=[],
)


def test_all_is_on_one_screen_and_what_is_nothing_is_left_out() -> None:
    assert screen(STATUS) == [
        "hookline 0.1.0: ready",
        "",
        "PROCESS    STATE  PARTITIONS  MEMORY  RESTARTS",
        "deliver/0  ready  4           88 MiB  0",
        "",
        "TOPIC   NOT BEGUN  UNDER WAY  OLDEST",
        "orders  1,234      3          0.4 s",
        "",
        "deliveries  0 wait, 3 under way, 7 held until due",
        "endpoints   2 in order",
        "webhooks    2 accepting",
        "attempts    12 delivered",
    ]


def test_certificates_that_end_are_counted() -> None:
    lines = screen(replace(STATUS, certificates={"ended": 1, "ending": 3}))
    assert "certificates  1 ended, 3 end within 14 days" in lines


def test_what_is_wrong_stands_first() -> None:
    lines = screen(
        replace(
            STATUS,
            ready=False,
            reasons=["deliver/0: Kafka does not answer"],
            troubles=[Trouble(role="retry", slot=0, what="redis unreachable", for_s=300)],
            processes=[
                replace(PROCESS, reasons=["Kafka does not answer"]),
                replace(PROCESS, role="projection", leads=True, slot=1),
            ],
        )
    )
    assert lines[:3] == [
        "hookline 0.1.0: not ready",
        "  deliver/0: Kafka does not answer",
        "  retry/0: redis unreachable, for 5 min",
    ]
    assert [line.split()[:2] for line in lines if "/0  " in line or "/1  " in line] == [
        ["deliver/0", "not"],
        ["projection/1", "leads"],
    ]


def test_a_process_that_is_gone_has_no_figures() -> None:
    gone = replace(
        PROCESS, running=False, memory_bytes=None, partitions=None, silent_for_s=None, reasons=["it is not running"]
    )
    assert "deliver/0  not running                      0" in screen(replace(STATUS, processes=[gone]))


def test_a_topic_s_name_commands_no_terminal() -> None:
    lines = screen(replace(STATUS, topics=[Topic(topic="a\x1b[31m", unstarted=0, unfinished=0, oldest_age_s=8_000)]))
    assert not any("\x1b" in line for line in lines)
    assert any("2.2 h" in line for line in lines)


def test_where_to_ask_follows_from_where_is_listened() -> None:
    assert place_of("0.0.0.0:9464") == ("127.0.0.1", 9464)
    assert place_of("[::]:9464") == ("::1", 9464)
    assert place_of("10.0.0.7:80") == ("10.0.0.7", 80)
    assert [place_of(text) for text in ("", "127.0.0.1:0", "x", ":9464", "a:b")] == [None] * 5
