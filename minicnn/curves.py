"""A curve as SVG, for notebooks: no other package is needed."""

import math
from collections.abc import Sequence
from html import escape

__all__ = ["svg_curve"]

WIDTH, HEIGHT, MARGIN = 420, 120, 4  # pixels
POINTS = 400  # a longer curve shows means of neighbours


def svg_curve(label: str, values: Sequence[float]) -> str:
    """Return a curve of values at equal distances, with its smallest, largest and last value, as SVG.

    It has the colour of the page's text. Values that are not finite leave a gap.
    """
    share = -(-len(values) // POINTS)
    shown = [sum(part) / len(part) for part in (values[i : i + share] for i in range(0, len(values), share or 1))]
    finite = [v for v in shown if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)

    def point(number: int, value: float) -> str:
        x = MARGIN + (WIDTH - 2 * MARGIN) * number / max(len(shown) - 1, 1)
        y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - low) / ((high - low) or 1)
        return f"{x:.1f} {y:.1f}"

    path, pen = "", "M"
    for number, value in enumerate(shown):
        if math.isfinite(value):
            path += f"{pen}{point(number, value)}"
        pen = "L" if math.isfinite(value) else "M"
    text = f"{label}: {low:.4g} to {high:.4g}, last {values[-1]:.4g}" if values else f"{label}: no values"
    return (
        f'<figure style="margin:4px; display:inline-block"><figcaption>{escape(text)}</figcaption>'
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(text)}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="currentColor" stroke-opacity="0.3"/>'
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-linejoin="round"/></svg></figure>'
    )
