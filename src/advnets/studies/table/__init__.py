"""The 2014 paper's Table 1, from scratch: its models trained and measured beside controls."""

from advnets.studies.table.page import as_json, as_markdown, as_text
from advnets.studies.table.results import TableResults
from advnets.studies.table.rows import TABLE_ROWS, TableRow
from advnets.studies.table.study import GATED, TableProgress, TableStudy

__all__ = [
    "GATED",
    "TableProgress",
    "TableResults",
    "TableRow",
    "TABLE_ROWS",
    "TableStudy",
    "as_json",
    "as_markdown",
    "as_text",
]
