"""What the demo shows while it runs: a live table on a terminal, a line every two seconds elsewhere."""

from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from consumer.demo.scenario import Conduct, Row

_LINE_EVERY_S = 2.0
_COLUMNS = ("webhook", "endpoint", "brand", "events", "delivered", "requests", "retries", "dead", "replayed", "last")


class Show(Protocol):
    """Somebody who watches."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, with the last state in view."""

    def say(self, text: str) -> None:
        """Something happened once."""

    def update(self, elapsed_s: float, doing: str, rows: Sequence[Row]) -> None:
        """The state now; called often."""


def show(console: Console) -> Show:
    """The table on a terminal, lines elsewhere."""
    return _Table(console) if console.is_terminal else _Lines(console)


class _Table:
    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        self._live.console.print(text, highlight=False)

    def update(self, elapsed_s: float, doing: str, rows: Sequence[Row]) -> None:
        self._live.update(table(elapsed_s, doing, rows))


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to put away."""

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def update(self, elapsed_s: float, doing: str, rows: Sequence[Row]) -> None:
        if elapsed_s >= self._next_s:
            self._next_s = elapsed_s + _LINE_EVERY_S
            self.say(line(elapsed_s, doing, rows))


def line(elapsed_s: float, doing: str, rows: Sequence[Row]) -> str:
    """The whole state in one line."""
    return (
        f"{elapsed_s:5.1f} s  {doing}: delivered {sum(row.delivered for row in rows)}"
        f" of {sum(row.wanted for row in rows)}, requests {sum(row.attempts for row in rows)},"
        f" retries {sum(row.retries for row in rows)}, dead-lettered {sum(row.dead for row in rows)},"
        f" replayed {sum(row.replayed for row in rows)},"
        f" signatures verified {sum(row.verified for row in rows)}"
    )


def table(elapsed_s: float, doing: str, rows: Sequence[Row]) -> Table:
    """The state of each webhook."""
    drawn = Table(title=f"Hookline, {elapsed_s:.0f} s: {doing}", title_justify="left")
    for name in _COLUMNS:
        drawn.add_column(name, justify="left" if name in {"webhook", "endpoint", "brand"} else "right")
    drawn.add_column("signatures", justify="right")
    for row in rows:
        failing = row.last_status is not None and row.last_status >= 300  # noqa: PLR2004  # HTTP's 2xx end there
        status = Text("" if row.last_status is None else str(row.last_status), style="red" if failing else "green")
        all_verified = row.verified == row.attempts
        drawn.add_row(
            row.hook.name,
            Text(row.hook.conduct, style="" if row.hook.conduct is Conduct.HEALTHY else "yellow"),
            row.hook.brand,
            *(str(number) for number in (row.wanted, row.delivered, row.attempts, row.retries)),
            Text(str(row.dead), style="red" if row.dead else ""),
            str(row.replayed),
            status,
            Text(f"{row.verified}/{row.attempts}", style="green" if all_verified else "bold red"),
        )
    return drawn
