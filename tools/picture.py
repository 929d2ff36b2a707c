# SPDX-License-Identifier: Apache-2.0
"""A chart as SVG, for what draws into docs/img."""
import html

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 52, 44


class Picture:
    """A chart with one axis of numbers, upwards."""

    def __init__(self, title, unit, top, width=WIDTH, height=HEIGHT):
        self.width, self.height, self.top = width, height, nice(top)
        self.parts = []
        self.text(LEFT, 20, title, size=14, weight="bold")
        for i in range(5):
            value = self.top * i / 4
            self.line(LEFT, self.y(value), width - RIGHT, self.y(value), "#d1d5db")
            self.text(LEFT - 6, self.y(value) + 4, f"{value:g}", anchor="end")
        self.text(LEFT - 6, TOP - 10, unit, anchor="end")

    def y(self, value):
        return self.height - BOTTOM - (self.height - BOTTOM - TOP) * value / self.top

    def x(self, share):
        return LEFT + (self.width - LEFT - RIGHT) * share

    def text(self, x, y, words, anchor="start", size=11, fill="#111827", weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
                          f'fill="{fill}">{html.escape(str(words))}</text>')

    def line(self, x1, y1, x2, y2, colour, width=1):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def box(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" fill="{colour}"/>')

    def dot(self, x, y, colour):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')

    def curve(self, points, colour):
        known = [(x, y) for x, y in points if y is not None]
        for (x1, y1), (x2, y2) in zip(known, known[1:]):
            self.line(x1, self.y(y1), x2, self.y(y2), colour, 1.5)
        for x, y in known:
            self.dot(x, self.y(y), colour)

    def legend(self, entries):
        x = LEFT
        for words, colour in entries:
            self.box(x, TOP - 22, 10, 10, colour)
            self.text(x + 14, TOP - 13, words)
            x += 30 + 6.2 * len(words)

    def write(self, path):
        path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                        f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
                        + "\n".join(self.parts) + "\n</svg>\n")
        print(path)


def nice(value):
    """A round number at or above the value, for the end of an axis."""
    step = 1
    while step * 10 < value:
        step *= 10
    return next(step * factor for factor in (1, 1.2, 1.6, 2, 3, 4, 6, 8, 10) if step * factor >= value)
