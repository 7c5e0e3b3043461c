"""`hookline demo`: everything on this machine, with nothing but Python."""

from typing import Annotated

from cyclopts import Parameter

from consumer.cli.exits import usage
from consumer.setting_values import duration_ms


def demo(*, for_: Annotated[str | None, Parameter(name="--for")] = None) -> int:
    """Show the whole way: deliveries, retries, dead letters and a replay, on an embedded broker and cache.

    Exits with 0 only if every delivery ended where it should. Ctrl-C ends it in order, a second one at once.

    Parameters
    ----------
    for_
        End by itself after about this long, as in 20s.
    """
    try:
        for_s = None if for_ is None else duration_ms(for_) / 1_000
    except ValueError as error:
        raise usage(f"--for: {error}", field="--for") from None
    try:
        from consumer.demo.run import run  # noqa: PLC0415  # its parts are an extra that may be missing
    except ModuleNotFoundError as error:
        if error.name not in {"fakeredis", "lupa"}:
            raise
        raise usage(f"the demo needs {error.name}: install hookline[demo]") from None
    return run(for_s)
