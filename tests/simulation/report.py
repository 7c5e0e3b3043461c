"""What a run came to, for people: the report, and the verdict that is its last line.

The law: every figure is counted, none is estimated; the last line says whether the promise held, and over how much.
"""

from collections.abc import Iterator

from tests.simulation.seeds import Tally
from tests.simulation.world import Verdict


def lines(tally: Tally) -> Iterator[str]:
    """The figures."""
    share = 100 * tally.more / max(1, tally.endings)
    yield f"seeds                        {tally.seeds:>12,}"
    yield f"deliveries promised          {tally.promised:>12,}"
    yield f"accepted or dead-lettered    {tally.endings:>12,}"
    yield f"HTTP requests                {tally.requests:>12,}"
    yield f"more than once               {tally.more:>12,}  ({share:.1f} %, every one explained by a fault)"
    yield f"faults                       {tally.faults.total():>12,}"
    for kind, count in sorted(tally.faults.items()):
        yield f"  {kind:<26} {count:>12,}"
    yield f"deliveries simulated a second of one core {tally.endings / max(0.001, tally.busy_s):,.0f}"
    yield f"took {tally.took_s:,.0f} s"


def verdict_line(tally: Tally) -> str:
    """PASS or FAIL, with its figure."""
    if tally.broken:
        return f"FAIL: {len(tally.broken)} of {tally.seeds:,} seeds broke the promise"
    return f"PASS: {tally.promised:,} deliveries in {tally.seeds:,} seeds, 0 lost, 0 early, 0 phantom"


def failure(verdict: Verdict, deliveries: int) -> Iterator[str]:
    """One broken seed: what broke, the history of it, and how to see it again."""
    yield f"seed {verdict.seed}: {verdict.violation}"
    yield from verdict.excerpt
    yield f"again: make simulate SEED={verdict.seed} DELIVERIES={deliveries}    (history {verdict.digest})"


def markdown(tally: Tally, deliveries: int) -> str:
    """The report as a page."""
    body = "\n".join(lines(tally))
    return f"""# The simulator's soak

`python -m tests.simulation --minutes … --deliveries {deliveries}`: seeds one after the other on every core, from seed 0
on. What is simulated and what is checked: [simulation.md](simulation.md).

```
{body}
```

{verdict_line(tally)}
"""
