"""Small pictures with one line per allocator: how resident memory falls, how latency rises.

Each is a panel with a few places on the x axis and a logarithmic y axis from its least to its
largest value.
"""
import collections
import html
import math

WIDTH, HEIGHT, GAP_X, GAP_Y = 320, 140, 36, 72
LABELS = 46   # what is left of the y axis
STEPS = (1, 2, 5)   # lines across, times powers of ten

Panel = collections.namedtuple('Panel', 'title subtitle labels unit lines')   # {peer: [values]}

PEAK_IDLE_PLACES = (('resident_per_live_at_peak', 'peak'), ('resident_per_live_after_0.1s', '0.1 s'),
                    ('resident_per_live_after_2s', '2 s'), ('resident_per_live_after_5s', '5 s'),
                    ('resident_per_live_after_10s', '10 s'))
PERCENTILES = ('p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max')


def panel_of(title, subtitle, figures, places):
    """A panel from the figures of one row; `places` are pairs of figure and label."""
    places = [place for place in places if any(each['figure'] == place[0] for each in figures)]
    lines, unit = {}, ''
    for name, _ in places:
        for each in figures:
            if each['figure'] == name and each['median'] > 0:
                lines.setdefault(each['peer'], []).append(each['median'])
                unit = each['unit']
    whole = {peer: values for peer, values in lines.items() if len(values) == len(places)}
    return Panel(title, subtitle, [label for _, label in places], unit, whole)


def panels_of(figures):
    """The panels for a report, in order; none where nothing of the kind was measured."""
    by_row = {}
    for each in figures:
        by_row.setdefault((each['section'], each['row']), []).append(each)
    panels = []
    for (section, row), members in by_row.items():
        if section == 'peak-idle':
            panels.append(panel_of('resident/live', row.removeprefix('peak-idle: '), members,
                                   PEAK_IDLE_PLACES))
        elif section == 'latency':
            for call in ('malloc', 'free'):
                panels.append(panel_of(f'a call of {call}', row.removeprefix('latency: '), members,
                                       [(f'{call}_{each}', each) for each in PERCENTILES]))
    return [panel for panel in panels if panel.lines and len(panel.labels) > 1]


def grid_values(least, largest):
    """Values for lines across: 1, 2, 5, 10 ... or, of a large range, powers of ten alone."""
    steps = STEPS if largest / least < 100 else STEPS[:1]
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(largest))
    return [step * 10 ** power for power in range(first, last + 1) for step in steps
            if least <= step * 10 ** power <= largest]


def text_at(x, y, text, kind=''):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{html.escape(text)}</text>\n'


def value_text(value, unit):
    if unit != 'ns':
        return f'{value:g}'
    for factor, larger in ((1e9, 's'), (1e6, 'ms'), (1e3, 'µs')):
        if value >= factor:
            return f'{value / factor:g} {larger}'
    return f'{value:g} ns'


def panel_svg(panel, left, top, colours):
    values = [value for line in panel.lines.values() for value in line]
    least, largest = min(values) * 0.95, max(values) * 1.05
    inner = WIDTH - LABELS

    def x_of(place):
        return left + LABELS + inner * place / (len(panel.labels) - 1)

    def y_of(value):
        return top + HEIGHT * math.log(largest / value) / math.log(largest / least)
    text = text_at(left, top - 30, panel.title, 'panel')
    text += text_at(left, top - 14, panel.subtitle)
    for value in grid_values(least, largest):
        y = y_of(value)
        text += (f'<line x1="{left + LABELS}" y1="{y:.1f}" x2="{left + WIDTH}" y2="{y:.1f}" '
                 'class="grid"/>\n' + text_at(left + LABELS - 6, y + 4, value_text(value, panel.unit), 'end'))
    for place, label in enumerate(panel.labels):
        text += text_at(x_of(place), top + HEIGHT + 16, label, 'middle')
    for peer, line in reversed(panel.lines.items()):
        points = ' '.join(f'{x_of(place):.1f},{y_of(value):.1f}'
                          for place, value in enumerate(line))
        text += (f'<polyline points="{points}" fill="none" stroke="{colours[peer]}" '
                 f'stroke-width="{3 if peer == "neap" else 1.6}"><title>{html.escape(peer)}</title>'
                 '</polyline>\n')
    return text


def curves_svg(figures, left, top, width, colours):
    """All panels in rows, and the height that they take."""
    panels = panels_of(figures)
    n_columns = max((width + GAP_X) // (WIDTH + GAP_X), 1)
    text = ''
    for place, panel in enumerate(panels):
        text += panel_svg(panel, left + place % n_columns * (WIDTH + GAP_X),
                          top + 40 + place // n_columns * (HEIGHT + GAP_Y), colours)
    n_lines = -(-len(panels) // n_columns)
    return text, n_lines * (HEIGHT + GAP_Y) + (10 if panels else 0)
