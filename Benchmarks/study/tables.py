"""Tables of accuracies over seeds, and the sentences that can be read off them."""
import statistics


def joined(parts):
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def values(cell, key="accuracy"):
    """The figures of a cell, one a seed, without the missing."""
    return [result[key] for result in cell or [] if result is not None]


def mean_and_half_range(numbers, digits=2):
    """mean ± half of the distance between largest and smallest; the number alone where there is one."""
    if not numbers:
        return "–"
    text = f"{statistics.fmean(numbers):.{digits}f}"
    return text if len(numbers) == 1 else f"{text} ± {(max(numbers) - min(numbers)) / 2:.{digits}f}"


class Table:
    """Rows of cells; a cell has a result for each seed, or is None where the row does not apply."""

    def __init__(self, title, setting, columns):
        self.title, self.setting, self.columns = title, setting, columns
        self.rows, self.notes, self.marks = {}, [], {}

    def add(self, label, cells, mark=None):
        """cells: {column: cell}; the first row is the dense one. `mark` stands behind the label, for a note below."""
        self.rows[label] = cells
        if mark:
            self.marks[label] = mark

    def mean(self, label, column):
        numbers = values(self.rows[label].get(column))
        return statistics.fmean(numbers) if numbers else None

    def dense(self):
        return next(iter(self.rows))

    def markdown(self):
        lines = [f"## {self.title}", "", self.setting, ""]
        lines += [f"| | {' | '.join(self.columns)} |", "|---|" + "---|" * len(self.columns)]
        for label, cells in self.rows.items():
            texts = [mean_and_half_range(values(cells.get(column))) for column in self.columns]
            lines.append(f"| {label}{self.marks.get(label, '')} | {' | '.join(texts)} |")
        return "\n".join(lines + ["", *[f"{note}  " for note in self.notes if note]]).rstrip() + "\n"

    # Sentences

    def best(self, labels=None, what="Best"):
        """Which row is best in each column, by its mean, the dense one left out."""
        labels = [label for label in labels or self.rows if label != self.dense()]
        parts = []
        for column in self.columns:
            means = {label: self.mean(label, column) for label in labels}
            means = {label: mean for label, mean in means.items() if mean is not None}
            if means:
                highest = max(means.values())
                winners = joined(f"*{label}*" for label, mean in means.items() if mean == highest)
                loss = self.mean(self.dense(), column) - highest
                parts.append(f"{winners} on {column} ({highest:.2f}, {abs(loss):.2f} "
                             f"{'below' if loss >= 0 else 'above'} the dense network)")
        return f"{what}: {joined(parts)}." if parts else ""

    def holds(self, higher, lower, columns=None):
        """On how many seeds one row is above another, by column."""
        parts = []
        for column in columns or self.columns:
            pairs = [(a["accuracy"], b["accuracy"])
                     for a, b in zip(self.rows[higher].get(column) or [], self.rows[lower].get(column) or [])
                     if a is not None and b is not None]
            if pairs:
                above, equal = sum(a > b for a, b in pairs), sum(a == b for a, b in pairs)
                parts.append(f"{column} {above} of {len(pairs)}" + (f" ({equal} equal)" if equal else ""))
        return f"*{higher}* is above *{lower}* by seeds: {joined(parts)}." if parts else ""

    def chain(self, labels):
        """On which columns rows come in this order for every seed, equal ones allowed."""
        holding, failing = [], []
        for column in self.columns:
            seeds = [[result and result["accuracy"] for result in by_seed]
                     for by_seed in zip(*(self.rows[label].get(column) or [] for label in labels))]
            if not seeds or any(None in row for row in seeds):
                continue
            holds = all(row == sorted(row) for row in seeds)
            (holding if holds else failing).append(column)
        if not holding and not failing:
            return ""
        order = " ≤ ".join(labels)
        return f"{order} " + ", but ".join(
            part for part in (f"holds for every seed on {joined(holding)}" if holding else "",
                              f"not for every seed on {joined(failing)}" if failing else "") if part) + "."

    def shares(self, labels=None):
        """What part of the multiply-accumulates is left."""
        shares = [share for label in labels or self.rows if label != self.dense()
                  for cell in self.rows[label].values() for share in values(cell, "share")]
        if not shares:
            return ""
        return f"Rows reached {100 * min(shares):.1f} to {100 * max(shares):.1f} % of the MACs."
