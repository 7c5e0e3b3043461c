"""A process's clock: never back, and a steady one beside it."""

from consumer.roles.clock import Clock


def test_setting_the_wall_clock_does_not_move_the_steady_one() -> None:
    wall_s, monotonic_s = 1_000.0, 50.0
    clock = Clock(lambda: wall_s, lambda: monotonic_s)
    monotonic_s += 1.0
    wall_s += 1.0 + 3_600.0
    assert clock.now_ms() == 4_601_000
    assert clock.steady_ms() == 1_001_000
