"""Line charts as SVG inside a page: no script, no font, nothing from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#475569")
_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 30, 40
_N_TICKS = 5


@dataclass(frozen=True)
class Line:
    """A curve.

    Args:
        name: For the legend.
        points: x and y, in the order of x; what is not finite interrupts the curve.
    """

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Chart:
    """Curves over one axis.

    Args:
        title: What is shown, with its unit.
        x_name: What goes to the right, with its unit.
        lines: The curves.
        is_log: Whether the values go up by factors.
        has_dots: Whether points are marked.
    """

    title: str
    x_name: str
    lines: tuple[Line, ...]
    is_log: bool = False
    has_dots: bool = False

    def svg(self) -> str:
        """Draw it; empty where there is no point."""
        points = [p for line in self.lines for p in line.points if _is_drawn(p, self.is_log)]
        if not points:
            return ""
        xs, ys = zip(*points, strict=True)
        across = _Scale.over(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT)
        low = min(ys) if self.is_log else 0.0
        up = _Scale.over(low, max(ys), _HEIGHT - _BOTTOM, _TOP, is_log=self.is_log)
        parts = [*self._frame(across, up), *self._curves(across, up), *self._legend()]
        box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(self.title)}"'
        return f"<svg {box}>\n" + "\n".join(parts) + "\n</svg>"

    def _frame(self, across: _Scale, up: _Scale) -> Iterator[str]:
        for value in up.ticks():
            y = up.place(value)
            yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>'
        for value in across.ticks():
            x, y = across.place(value), _HEIGHT - _BOTTOM + 16
            yield f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{_short(value)}</text>'
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        yield f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(self.x_name)}</text>'
        yield f'<text x="{_LEFT}" y="14" class="title">{escape(self.title)}</text>'

    def _curves(self, across: _Scale, up: _Scale) -> Iterator[str]:
        for i, line in enumerate(self.lines):
            colour = COLOURS[i % len(COLOURS)]
            for piece in _pieces(line.points, self.is_log):
                places = [(across.place(x), up.place(y)) for x, y in piece]
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
                yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
                if self.has_dots or len(places) == 1:
                    for x, y in places:
                        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'

    def _legend(self) -> Iterator[str]:
        right = _WIDTH - _RIGHT
        for i, line in reversed(list(enumerate(self.lines))):
            right -= 7 * len(line.name) + 22
            colour = COLOURS[i % len(COLOURS)]
            yield f'<rect x="{right}" y="18" width="10" height="4" fill="{colour}"/>'
            yield f'<text x="{right + 14}" y="24">{escape(line.name)}</text>'


@dataclass(frozen=True)
class _Scale:
    """Values to places."""

    low: float
    high: float
    first: float
    last: float
    is_log: bool

    @classmethod
    def over(
        cls, low: float, high: float, first: float, last: float, *, is_log: bool = False
    ) -> _Scale:
        if is_log:
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        if high <= low:
            high = low * 10 if is_log else low + 1.0
        return cls(low, high, first, last, is_log)

    def place(self, value: float) -> float:
        low, high = self.low, self.high
        if self.is_log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return self.first + (value - low) / (high - low) * (self.last - self.first)

    def ticks(self) -> list[float]:
        if self.is_log:
            n_decades = round(math.log10(self.high / self.low))
            return [self.low * 10**i for i in range(n_decades + 1)]
        step = nice_step((self.high - self.low) / _N_TICKS)
        first = math.ceil(self.low / step)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def nice_step(rough: float) -> float:
    """Give 1, 2 or 5 times a power of ten, at least `rough`."""
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def _is_drawn(point: tuple[float, float], is_log: bool) -> bool:
    return all(map(math.isfinite, point)) and (point[1] > 0 or not is_log)


def _pieces(
    points: Sequence[tuple[float, float]], is_log: bool
) -> Iterator[list[tuple[float, float]]]:
    """Cut a curve where a value is missing."""
    piece: list[tuple[float, float]] = []
    for point in points:
        if _is_drawn(point, is_log):
            piece.append(point)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece
