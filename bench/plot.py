"""The picture of what a delivery costs whom, as SVG, from the figures of `bench.versus`.

The law: a bar is as long as its figure, which stands beside it. One that is far longer than all others is cut, and
shows that it is. Light and dark are the reader's.
"""

from collections.abc import Mapping
from typing import Any, Final

_NAMES: Final[Mapping[str, str]] = {
    "wrk": "wrk, the bare request",
    "hookline": "Hookline",
    "go": "franz-go + net/http",
    "aiokafka": "aiokafka + aiohttp",
    "httpx": "confluent-kafka + httpx",
}
_LEFT, _WIDE, _ROW, _TOP, _BAR = 190, 400, 30, 30, 18
_FAR_LONGER: Final = 4
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.n{text-anchor:end}.s{fill:#57606a;font-size:12px}"
    ".b{fill:#8c959f}.o{fill:#0a7d5a}.c{stroke:#fff;stroke-width:4}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9198a1}.b{fill:#6e7681}.o{fill:#3fb68b}.c{stroke:#0d1117}}"
)


def cost(versus: Mapping[str, Mapping[str, Any]]) -> str:
    """The picture. `versus`: by name, `cpu_us` is the CPU of a delivery in µs."""
    shown = {name: float(versus[name]["cpu_us"]) for name in _NAMES if name in versus}
    *others, longest = sorted(shown.values())
    most = max(others) if others and longest > _FAR_LONGER * max(others) else longest
    told = ", ".join(f"{_NAMES[name]} {figure:,g}" for name, figure in shown.items())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {_TOP + len(shown) * _ROW}" role="img">',
        f"<title>CPU of one delivery, in microseconds: {told}</title><style>{_STYLE}</style>",
        f'<text class="s" x="{_LEFT}" y="16">CPU µs of one delivery, all threads</text>',
    ]
    for row, (name, figure) in enumerate(shown.items()):
        cut = figure > most
        y, long = _TOP + row * _ROW, (_WIDE + 30) if cut else _WIDE * figure / most
        kind = "o" if name == "hookline" else "b"
        lines.append(f'<text class="n" x="{_LEFT - 10}" y="{y + 14}">{_NAMES[name]}</text>')
        lines.append(f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{long:.0f}" height="{_BAR}" rx="3"/>')
        if cut:
            x = _LEFT + _WIDE + 10
            lines.append(f'<line class="c" x1="{x - 5}" y1="{y + _BAR + 2}" x2="{x + 5}" y2="{y - 2}"/>')
        lines.append(f'<text x="{_LEFT + long + 8:.0f}" y="{y + 14}">{figure:,g}</text>')
    return "\n".join([*lines, "</svg>", ""])
