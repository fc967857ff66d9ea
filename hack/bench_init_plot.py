"""Draws horizontal bars as SVG that can be read on light and on dark pages."""

import html

WIDTH, LABEL, BAR, LINE = 760, 130, 430, 22
STYLE = """
text { font: 13px sans-serif; fill: #24292f }
.title { font-size: 17px; font-weight: bold }
.heading { font-weight: bold }
.other { fill: #8c959f }
.own { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .other { fill: #6e7681 }
  .own { fill: #58a6ff }
}
"""


def write(path, title, own, panels):
    """Panels are heading, unit, and values by name. Each value stands beside its bar, with its ratio to `own`'s."""
    lines, y = [text(0, 18, title, "title")], 30
    for heading, unit, values in panels:
        y += 24
        lines.append(text(0, y, f"{heading}, {unit}", "heading"))
        largest = max(values.values())
        for name, value in values.items():
            y += LINE
            width = max(1.0, BAR * value / largest)
            kind = "own" if name.startswith(own) else "other"
            ratio = "" if name == own else f" ({times(value / values[own])})"
            lines.append(text(LABEL - 8, y, name, "name", "end"))
            lines.append(f'<rect class="{kind}" x="{LABEL}" y="{y - 12}" width="{width:.1f}" height="15" rx="2"/>')
            lines.append(text(LABEL + width + 6, y, f"{value:,.0f}{ratio}", "value"))
        y += 10
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -4 {WIDTH + 20} {y + 14}" '
                   f'role="img" aria-label="{html.escape(title)}">\n<style>{STYLE}</style>\n')
        file.write("\n".join(lines))
        file.write("\n</svg>\n")


def times(ratio):
    return f"{ratio:.0f}×" if ratio >= 10 else f"{ratio:.1f}×"


def text(x, y, content, kind, anchor="start"):
    return f'<text class="{kind}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{html.escape(content)}</text>'
