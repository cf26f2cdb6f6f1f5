"""From finished measurements to figures: medians, spreads, ratios to the best, geometric means.

A measurement is a dictionary with row, peer, round and either checksum and figures {name: [unit,
value, is it compared]} or failure, a reason. Nothing here runs anything or knows how a table looks.
"""
import math
import statistics

# Units of which more is better; of all others less is.
MORE_IS_BETTER = ('requests/s', 'replacements/s', 'times')


def spread(values):
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values),
            'n': len(values)}


def is_better(unit, a, b):
    return a > b if unit in MORE_IS_BETTER else a < b


def best_of(unit, values):
    best = None
    for value in values:
        if best is None or is_better(unit, value, best):
            best = value
    return best


def ratio_to_best(unit, value, best):
    """How many times worse than the best, 1 for the best; None where it says nothing."""
    if value <= 0 or best <= 0:
        return 1.0 if value == best else None
    return best / value if unit in MORE_IS_BETTER else value / best


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values)) if values else None


def odd_ones_out(measurements):
    """Row by row, whoever's checksum is not that of the majority, as failures."""
    by_row = {}
    for each in measurements:
        if 'failure' not in each:
            by_row.setdefault((each['row'], each['round'] == 'traced'), []).append(each)
    failures = []
    for members in by_row.values():
        usual = statistics.mode(each['checksum'] for each in members)
        failures += [each for each in members if each['checksum'] != usual]
    return failures


def with_wrong_ones_failed(measurements):
    """The same measurements; those with a wrong checksum are failures."""
    wrong = odd_ones_out(measurements)
    return [{'row': each['row'], 'peer': each['peer'], 'round': each['round'],
             'failure': 'wrong checksum'} if any(each is other for other in wrong) else each
            for each in measurements]


def failures_by_cell(measurements):
    failures = {}
    for each in measurements:
        if 'failure' in each:
            failures.setdefault((each['row'], each['peer']), []).append(each['failure'])
    return failures


def figures_of(measurements):
    """One figure per row, name and peer: row, name, unit, peer, spread, ratio to the row's best.

    In the order in which rows and names first appear."""
    values, kinds = {}, {}
    for each in measurements:
        for name, (unit, value, is_compared) in each.get('figures', {}).items():
            kinds[each['row'], name] = unit, is_compared
            values.setdefault((each['row'], name), {}).setdefault(each['peer'], []).append(value)
    figures = []
    for (row, name), by_peer in values.items():
        unit, is_compared = kinds[row, name]
        medians = {peer: statistics.median(found) for peer, found in by_peer.items()}
        best = best_of(unit, medians.values())
        for peer, found in by_peer.items():
            ratio = ratio_to_best(unit, medians[peer], best) if is_compared else None
            figures.append({'row': row, 'figure': name, 'unit': unit, 'peer': peer,
                            **spread(found), 'is_compared': is_compared, 'ratio': ratio})
    return figures


def means_by_peer(figures):
    """{peer: (geometric mean of its ratios, how many)} over some figures."""
    ratios = {}
    for each in figures:
        if each['ratio'] is not None:
            ratios.setdefault(each['peer'], []).append(each['ratio'])
    return {peer: (geometric_mean(found), len(found)) for peer, found in ratios.items()}
