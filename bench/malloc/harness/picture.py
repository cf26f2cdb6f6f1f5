"""The report of a group as an SVG picture: one line per row, one dot per allocator; above them,
the curves of those that are a matter of time.

The axis is the ratio to the best of the row, logarithmic: dots at the left edge are the best.
"""
import html
import math

from harness import curves, report
from harness.curves import text_at

COLOURS = ('#bc4c00', '#0969da', '#54aeff', '#1a7f37', '#4ac26b', '#8250df', '#bf3989', '#6e7781')
WIDTH, LEFT, RIGHT, ROW, TOP, PANEL_HEAD = 1080, 480, 40, 20, 84, 54
RATIO_MAX = 30   # what is worse is drawn at the right edge
TICKS = (1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20, 30)
FEW_TICKS = (1, 2, 3, 5, 10, 20, 30)   # where the axis is long

STYLE = '''<style>
  text { font-family: 'Inter', 'Segoe UI', 'DejaVu Sans', sans-serif; font-size: 12px; fill: #57606a; }
  .paper { fill: #ffffff; }
  .title { font-size: 17px; font-weight: 600; fill: #1f2328; }
  .panel { font-size: 13px; font-weight: 600; fill: #1f2328; }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .grid { stroke: #d8dee4; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9aa4af; }
    .paper { fill: #0d1117; }
    .title, .panel { fill: #f0f3f6; }
    .grid { stroke: #262c36; }
  }
</style>
'''


def x_of(ratio, ratio_max):
    part = math.log(min(max(ratio, 1), ratio_max)) / math.log(ratio_max)
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def ratio_max_of(figures):
    largest = max((each['ratio'] for each in figures if each['ratio'] is not None), default=2)
    return next((tick for tick in TICKS[4:] if tick >= largest), RATIO_MAX)


def axis(y, bottom, ratio_max):
    text = ''
    for tick in TICKS if ratio_max <= 5 else FEW_TICKS:
        if tick <= ratio_max:
            x = x_of(tick, ratio_max)
            text += f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{bottom}" class="grid"/>\n'
            text += text_at(x, y - 6, f'{tick:g}', 'middle')
    return text


def dots(figures, y, peers, ratio_max):
    """The first allocator last, so that it lies on top."""
    text = ''
    for place, peer in reversed(list(enumerate(peers))):
        for each in figures:
            if each['peer'] == peer and each['ratio'] is not None:
                what = html.escape(f"{peer}: {each['median']:.4g} {each['unit']}, "
                                   f"ratio {each['ratio']:.2f}")
                text += (f'<circle cx="{x_of(each["ratio"], ratio_max):.1f}" cy="{y - 4:.1f}" '
                         f'r="{6 if place == 0 else 4.5}" fill="{COLOURS[place % len(COLOURS)]}" '
                         f'fill-opacity="0.85"><title>{what}</title></circle>\n')
    return text


def panel(title, figures, top, peers):
    """One panel and the height that it takes."""
    cells = {}
    for each in figures:
        cells.setdefault((each['row'], each['figure']), []).append(each)
    is_one_figure = len({name for _, name in cells}) == 1
    bottom = top + PANEL_HEAD + ROW * len(cells)
    ratio_max = ratio_max_of(figures)
    text = text_at(20, top + 18, title, 'panel') + axis(top + PANEL_HEAD - 12, bottom, ratio_max)
    for place, ((row, name), members) in enumerate(cells.items()):
        y = top + PANEL_HEAD + ROW * place + 8
        label = row if is_one_figure else f"{row}: {name.replace('_', ' ')}"
        text += text_at(LEFT - 14, y, label, 'end') + dots(members, y, peers, ratio_max)
    return text, bottom - top + 16


def legend(peers):
    text, x = '', 20
    for place, peer in enumerate(peers):
        text += f'<circle cx="{x + 5}" cy="56" r="5" fill="{COLOURS[place % len(COLOURS)]}"/>\n'
        text += text_at(x + 15, 60, peer)
        x += 40 + 8 * len(peer)
    return text


def panels_of(group, figures):
    """[(title, figures)]: speed by what was measured from outside, giving back by workload."""
    panels = {}
    for each in [each for each in figures if each['is_compared']]:
        is_outside = each['figure'] in report.OUTSIDE_FIGURES
        if group == 'speed' and each['figure'] in ('time', 'peak_resident'):
            panels.setdefault(each['figure'].replace('_', ' '), []).append(each)
        elif group != 'speed' and not is_outside:
            row = each['row'].removeprefix(each['section'] + ': ')
            panels.setdefault(each['section'], []).append(each | {'row': row})
    return panels.items()


def picture(group, results):
    peers = [peer.name for peer in results['found']]
    facts = results['circumstances']
    colours = {peer: COLOURS[place % len(COLOURS)] for place, peer in enumerate(peers)}
    body, height = curves.curves_svg(results['figures'], 20, TOP, WIDTH - 40, colours)
    y = TOP + height
    for title, figures in panels_of(group, results['figures']):
        text, height = panel(title, figures, y, peers)
        body += text
        y += height
    title = f"{group}: ratio to the best of each row, {facts['commit']}, {facts['date']}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
            f'width="{WIDTH}" height="{y}" role="img">\n<title>{html.escape(title)}</title>\n'
            f'{STYLE}<rect width="{WIDTH}" height="{y}" class="paper"/>\n'
            + text_at(20, 32, title, 'title') + legend(peers) + body + '</svg>\n')
