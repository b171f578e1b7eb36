"""The 2014 paper's Table 1, from scratch: its models are trained, and measured beside controls.

Inside of the room a file imports only from those before it: controls, records, evaluator, chain_mixing, measure_run,
results, rows, study, summary, page.
"""

from advnets.studies.table.page import as_json, as_markdown, as_text
from advnets.studies.table.results import TableResults
from advnets.studies.table.rows import TABLE_ROWS, TableRow
from advnets.studies.table.study import GATED, TableProgress, TableStudy

__all__ = [
    "GATED", "TABLE_ROWS", "TableProgress", "TableResults", "TableRow", "TableStudy", "as_json", "as_markdown",
    "as_text",
]  # fmt: skip
