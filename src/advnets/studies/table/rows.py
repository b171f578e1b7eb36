"""The rows of the table: which recipe stands for which model of the paper's Table 1, and how many steps it is trained.

Lengths are steps and never minutes: a faster machine, or a quiet one, would train another model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from advnets.errors import BadInput, unknown

KINDS = ("digits", "mnist", "cifar10", "olivetti", "tfd")
"""Data sets that lengths are stated for; others take MNIST's."""


@dataclass(frozen=True)
class TableRow:
    """A model of the table.

    Attributes:
        label: What the paper calls it.
        recipe: Name of its recipe.
        steps: Steps of training, one number for each of KINDS.
        paper: {"mnist" or "tfd": (nats, standard error)} of Table 1, I. Goodfellow et al., Generative Adversarial Nets,
            2014. On MNIST the error is over test examples, on TFD over folds.
    """

    label: str
    recipe: str
    steps: tuple[int, int, int, int, int]
    paper: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def length(self, data: str) -> int:
        """Return the steps of training on a data set.

        Args:
            data: Name of the data set.

        Returns:
            The number of steps.
        """
        kind = kind_of(data)
        return self.steps[KINDS.index(kind if kind in KINDS else "mnist")]

    def published_score(self, data: str) -> tuple[float, float] | None:
        """Return the paper's number on a data set.

        Args:
            data: Name of the data set.

        Returns:
            Nats and standard error; None where the paper has none on that very data set.
        """
        return self.paper.get("tfd" if kind_of(data) == "tfd" else data)


_ADVERSARIAL = {"mnist": (225.0, 2.0), "tfd": (2057.0, 26.0)}

# Steps:                                          digits, mnist, cifar10, olivetti, tfd
TABLE_ROWS = (
    TableRow("DBN", "dbn", (2_000, 5_400, 3_200, 1_000, 6_000), {"mnist": (138.0, 2.0), "tfd": (1909.0, 66.0)}),
    TableRow(
        "Stacked CAE",
        "stacked-cae",
        (5_000, 5_000, 5_000, 4_000, 10_000),
        {"mnist": (121.0, 1.6), "tfd": (2110.0, 50.0)},
    ),
    TableRow("DAE", "dae", (2_000, 13_000, 4_400, 2_000, 13_000)),
    TableRow("DAE, walkback", "dae-walkback", (1_000, 4_200, 1_300, 1_000, 3_000)),
    TableRow(
        "Deep GSN", "deep-gsn", (1_000, 5_700, 3_700, 1_000, 6_000), {"mnist": (214.0, 1.1), "tfd": (1890.0, 29.0)}
    ),
    TableRow("Adversarial nets, released code", "paper-released", (1_000, 8_809, 16_000, 4_000, 15_000), _ADVERSARIAL),
    TableRow("Adversarial nets, text", "paper", (1_000, 6_704, 16_000, 4_000, 15_000), _ADVERSARIAL),
    TableRow("Adversarial nets, tuned", "paper-adam", (1_000, 7_000, 9_400, 4_000, 15_000), _ADVERSARIAL),
    TableRow("Adversarial nets, paper's size", "paper-mnist", (1_000, 10_000, 10_000, 4_000, 15_000), _ADVERSARIAL),
    TableRow("Adversarial nets, our best", "best-mnist", (1_000, 20_000, 20_000, 4_000, 15_000), _ADVERSARIAL),
)
"""Those of MNIST are chosen on its validation split, or are what the minutes of a first run came to."""


def find_rows(names: str | None) -> tuple[TableRow, ...]:
    """Return the rows of recipes.

    Args:
        names: Names of recipes, between commas; None for all.

    Returns:
        The rows, in the table's order.

    Raises:
        BadInput: If there is no name, or an unknown one.
    """
    if names is None:
        return TABLE_ROWS
    named, known = [name.strip() for name in names.split(",") if name.strip()], [row.recipe for row in TABLE_ROWS]
    if not named:
        raise BadInput(f"no rows are named; expected names of {', '.join(known)}, between commas")
    for name in named:
        if name not in known:
            raise unknown("row", name, known)
    return tuple(row for row in TABLE_ROWS if row.recipe in named)


def label_of(recipe: str) -> str:
    """Return what the table calls a recipe.

    Args:
        recipe: Name of the recipe.

    Returns:
        The label of its row; the name itself for a recipe that is no longer a row.
    """
    return next((row.label for row in TABLE_ROWS if row.recipe == recipe), recipe)


def kind_of(data: str) -> str:
    """Return the name of a data set without its fold or size: "tfd" of "tfd-3", "olivetti" of "olivetti-48".

    Args:
        data: Name of the data set.

    Returns:
        The kind, one of KINDS for most.
    """
    return data.partition("-")[0] if data.startswith(("tfd", "olivetti")) else data
