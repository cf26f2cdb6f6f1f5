"""How long the rest of a run will take."""
import statistics


def left_seconds(names, spent):
    """For measurements still to come, by name, from the seconds spent on each name so far.

    What was never measured is taken for as long as the others on average."""
    means = {name: statistics.fmean(values) for name, values in spent.items()}
    usual = statistics.fmean(means.values()) if means else 0
    return sum(means.get(name, usual) for name in names)
