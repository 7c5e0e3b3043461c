"""A run as a page of Markdown, its last line the verdict. Pure.

The law: a target that was missed is said, with its figure; the verdict follows from the targets alone.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from consumer.roles.role import Role
from tests.chaos.recovery import Cause, Recovery
from tests.chaos.run import Outcome
from tests.chaos.schedule import Kind
from tests.chaos.watch import Held
from tests.spent import shares

_FULL_S: Final = 1_200.0
_RECOVERED_WITHIN_MS: Final = 30_000
_DUPLICATES_MOST: Final = 0.001
_SHOWN: Final = 20
_PARTS: Final = 6
_RSS_GROWTH: Final = 1.5
_LITTLE_AT_FIRST: Final = frozenset({Role.JOBS, Role.LOG, Role.API})
# A kept connection is a descriptor: as many as requests were ever under way at once, at most HOOKLINE_MAX_IN_FLIGHT.
DESCRIPTORS_MOST: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was wanted, and what came."""

    name: str
    wanted: str
    found: str
    met: bool


def targets(outcome: Outcome) -> list[Target]:
    """Every target; the counts in proportion to the run's length."""
    share = min(1.0, outcome.length_s / _FULL_S)
    kinds = Counter(each.kind for each in outcome.faults)
    judged = outcome.judgement
    terms = kinds[Kind.TERM] + sum(each.kind is Kind.GUEST and each.detail == "goes" for each in outcome.faults)
    counts = (
        ("worker kills", 200, sum(number for kind, number in kinds.items() if kind.is_kill)),
        ("SIGTERM of a supervisor", 30, terms),
        ("broker faults", 20, sum(number for kind, number in kinds.items() if kind.of_broker)),
        ("Redis faults", 20, sum(number for kind, number in kinds.items() if kind.of_redis)),
        ("pairs", 200_000, judged.pairs),
        ("jobs that ended", 150, outcome.again.ended.total()),
        ("events owed by recoveries", 1_000, len(outcome.again.owed)),
    )
    found = [
        Target(name=name, wanted=f"≥ {int(least * share):,}", found=f"{number:,}", met=number >= int(least * share))
        for name, least, number in counts
    ]
    nothing = (*_laws(outcome), ("duplicates not explained by a fault", outcome.unexplained))
    found += [Target(name=name, wanted="0", found=f"{number:,}", met=number == 0) for name, number in nothing]
    duplicates = judged.duplicates / max(1, judged.pairs)
    found.append(
        Target(
            name="duplicates of pairs",
            wanted="< 0.1 %",
            found=f"{duplicates:.3%} ({judged.duplicates:,})",
            met=duplicates < _DUPLICATES_MOST,
        )
    )
    slowest = max((each.alone_ms for each in outcome.recoveries if each.alone_ms is not None), default=0)
    in_all = max((each.after_ms for each in outcome.recoveries if each.after_ms is not None), default=0)
    found.append(
        Target(
            name="slowest recovery",
            wanted="≤ 30 s",
            found=f"{slowest / 1_000:.1f} s ({in_all / 1_000:.1f} s with the faults that came in between)",
            met=slowest <= _RECOVERED_WITHIN_MS,
        )
    )
    found += _returned(outcome)
    return found


def broken(outcome: Outcome) -> list[str]:
    """The laws that were broken, with how often."""
    return [f"{number:,} {name}" for name, number in _laws(outcome) if number]


def passed(outcome: Outcome) -> bool:
    """Whether every target was met."""
    return all(target.met for target in targets(outcome))


def page(outcome: Outcome) -> str:
    """The report."""
    judged = outcome.judgement
    ledger = outcome.ledger
    minutes = f"{outcome.length_s / 60:g}"
    command = f"python -m tests.chaos --minutes {minutes} --seed {outcome.seed}"
    ends = (
        f"{ledger.intended:,} meant, {len(ledger.acknowledged):,} acknowledged, {len(ledger.failed):,} failed, "
        f"{len(ledger.unknown):,} unknown; {judged.repeated_events:,} are in the log twice"
    )
    pairs = (
        f"{judged.pairs:,} owed, {judged.in_doubt:,} in doubt (their webhook was just changing), {judged.excused:,} "
        "under way when their webhook changed and so out of the promise"
    )
    rows = ((each.name, each.wanted, each.found, "ok" if each.met else "MISSED") for each in targets(outcome))
    lines = [
        "# Chaos run",
        "",
        f"`{command}`: {minutes} minutes of faults; real processes, Kafka, Redis and receivers, one machine.",
        "",
        *_table(("", "wanted", "found", ""), rows),
        "",
        "## What happened",
        "",
        *_table(("fault", "times", "recovery, median", "slowest"), _faults(outcome)),
        "",
        f"Webhooks meanwhile: {_counted(outcome.changes)}.",
        "",
        "## What it cost",
        "",
        f"Percent of a core in each {_PARTS}th of the time. The machine has {os.cpu_count()}.",
        "",
        *_table(("", *map(str, range(1, _PARTS + 1))), _spent(outcome)),
        "",
        "## Ledgers",
        "",
        f"- Events: {ends}.",
        f"- Pairs: {pairs}.",
        f"- Requests noted by the receivers: {outcome.receipts:,}.",
        f"- Dead letters: {_counted(outcome.dead_letters)}.",
        f"- Duplicates by the fault that explains them: {_causes(outcome.causes)}.",
        f"- Duplicates in each {_PARTS}th of the time: {_over_time(outcome)}.",
        f"- Accepted and buried, by the fault that explains it: {_causes(outcome.both)}.",
        f"- First deliveries of the others at p99: {_waits(outcome)}.",
        f"- Commits looked at: {judged.commits:,}.",
        f"- Pairs of ordered webhooks looked at: {judged.in_order.looked_at:,}.",
        f"- Jobs: {_counted(outcome.again.ended)}; {outcome.again.made.total():,} deliveries sent again.",
        f"- Attempts on the topic, each looked for in the index: {outcome.listed.attempts:,}.",
        f"- Attempts written twice for want of an acknowledgement: {outcome.told.written_twice:,}.",
        f"- Exit codes after SIGTERM: {_counted(Counter(outcome.exits))}.",
        *(f"- LEAKED: {place}" for place in outcome.leaked),
        "",
        *_broken(outcome),
        verdict(outcome),
        "",
    ]
    return "\n".join(lines)


def verdict(outcome: Outcome) -> str:
    """One line with its figure."""
    judged = outcome.judgement
    found = judged.verdict
    return (
        f"chaos: {'PASS' if passed(outcome) else 'FAIL'}: {judged.pairs:,} pairs, {len(found.lost)} lost, "
        f"{len(found.early)} early, {len(found.phantom)} phantom, {len(outcome.leaked)} leaked, "
        f"{judged.duplicates:,} duplicates, {len(outcome.faults)} faults in {outcome.length_s / 60:g} minutes"
    )


def _waits(outcome: Outcome) -> str:
    return f"{outcome.waits.alone_ms:,} ms, and beside the hostile {outcome.waits.beside_ms:,} ms"


def _broken(outcome: Outcome) -> list[str]:
    judged = outcome.judgement
    broken = judged.verdict.broken()
    lines = ["What broke: " + broken, ""] if broken else []
    again, log, told = outcome.again, outcome.listed, outcome.told
    named: Mapping[str, Sequence[object]] = {
        "Overtaken": judged.in_order.overtaken,
        "Did not end": again.unended,
        "Sent twice by one job": again.twice,
        "Counted other than it sent": again.miscounted,
        "Listed twice": log.twice,
        "Listed, and nobody made it": log.strange,
        "Not listed": log.lacking,
        "Logged, and never came": told.invented,
        "Accepted, and no attempt says so": told.untold,
    }
    lines += [f"{name}: {each}" for name, found in named.items() for each in found[:_SHOWN]]
    for pair in sorted(outcome.both_unexplained)[:_SHOWN]:
        lines += [f"Accepted and buried: {pair}, requests and dead letter at {list(judged.moments[pair])}", ""]
    return lines


def _faults(outcome: Outcome) -> Iterable[tuple[str, str, str, str]]:
    by_kind: dict[str, list[Recovery]] = {}
    for each in outcome.recoveries:
        name = f"{each.fault.kind}: {each.fault.detail}" if each.fault.kind is Kind.GUEST else each.fault.kind.value
        by_kind.setdefault(name, []).append(each)
    for name, rows in sorted(by_kind.items()):
        took = [each.alone_ms / 1_000 for each in rows if each.alone_ms is not None]
        figures = (f"{median(took):.1f} s", f"{max(took):.1f} s") if took else ("", "")
        yield name, str(len(rows)), *figures


def _over_time(outcome: Outcome) -> str:
    requests = outcome.judgement.requests
    began_ms, length_ms = outcome.faults[0].began_ms, outcome.length_s * 1_000
    parts = Counter(
        min(_PARTS - 1, max(0, int((requests[pair][-1] - began_ms) * _PARTS / length_ms)))
        for pair in outcome.judgement.verdict.duplicates
    )
    return ", ".join(f"{parts[part]:,}" for part in range(_PARTS))


def _spent(outcome: Outcome) -> Iterable[tuple[str, ...]]:
    for who, parts in sorted(shares(outcome.spent, _PARTS).items(), key=lambda each: -sum(each[1])):
        yield who, *(f"{100 * each:.0f}" for each in parts)


def _causes(causes: Sequence[Cause]) -> str:
    if not causes:
        return "none"
    before_ms = sorted(cause.before_ms for cause in causes)
    half, most = before_ms[len(before_ms) // 2], before_ms[-1]
    kinds = _counted(Counter(cause.kind for cause in causes))
    return f"{kinds} (came before it began: median {half} ms, at most {most} ms)"


def _laws(outcome: Outcome) -> Sequence[tuple[str, int]]:
    """What must never happen, and how often it did."""
    judged, verdict = outcome.judgement, outcome.judgement.verdict
    return (
        ("lost", len(verdict.lost)),
        ("acknowledged events missing from the log", len(judged.missing_events)),
        ("phantom", len(verdict.phantom)),
        ("cross-tenant", len(verdict.cross_tenant)),
        ("altered", len(verdict.altered)),
        ("refused signatures", len(verdict.refused_signatures)),
        ("early", len(verdict.early)),
        ("overtaken by a later event of their key", len(judged.in_order.overtaken)),
        ("buried twice", len(verdict.buried_twice)),
        ("accepted and buried, not explained by a fault", len(outcome.both_unexplained)),
        ("dead letters under a strange id", len(judged.strange_dead_letters)),
        ("commits past what was safe", len(judged.unsafe_commits)),
        ("places with a leaked secret", len(outcome.leaked)),
        ("bugs that a process met", outcome.bugs),
        ("jobs that did not end", len(outcome.again.unended)),
        ("sent twice by one job", len(outcome.again.twice)),
        ("jobs that counted other than they sent", len(outcome.again.miscounted)),
        ("attempts that the index lists twice", len(outcome.listed.twice)),
        ("attempts that the index lists and nobody made", len(outcome.listed.strange)),
        ("attempts within its bounds that the index lacks", len(outcome.listed.lacking)),
        ("attempts logged of requests that never came", len(outcome.told.invented)),
        ("accepted, and no attempt says so", len(outcome.told.untold)),
        ("ms at p99 beyond the second that the hostile may cost the others", outcome.waits.beyond_ms),
    )


def _returned(outcome: Outcome) -> list[Target]:
    """What the processes hold in the calm at the end, against those that had just begun.

    Some hold little at first, and are compared with what they held in the first third of the time: `jobs` has run none,
    `log` has no log to fill its index from, and `api` makes a brand's app when it is first asked for.
    """
    found: list[Target] = []
    times = [each.at_ms for each in outcome.held]
    third_ms = (max(times, default=0) - min(times, default=0)) // 3
    for role in sorted({each.role for each in outcome.held}):
        held = [each for each in outcome.held if each.role == role]
        begun_ms = third_ms if role in _LITTLE_AT_FIRST else 10_000
        before = [each for each in held if each.at_ms <= held[0].at_ms + begun_ms]
        after = [each for each in held if each.at_ms >= outcome.calm_ms + 5_000]
        if not after:
            continue
        rss, rss_after, files = _most_rss(before), _most_rss(after), max(each.descriptors for each in after)
        found.append(
            Target(
                name=f"{role}: memory and descriptors in the calm after",
                wanted=f"≤ {rss * _RSS_GROWTH:.0f} MB, ≤ {DESCRIPTORS_MOST}",
                found=f"{rss_after:.0f} MB (at most {_most_rss(held):.0f} in between), {files}",
                met=rss_after <= rss * _RSS_GROWTH and files <= DESCRIPTORS_MOST,
            )
        )
    return found


def _most_rss(held: Sequence[Held]) -> float:
    return max(each.rss_mb for each in held)


def _counted(counts: Counter[str] | Counter[Kind] | Counter[int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.most_common()) or "none"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
