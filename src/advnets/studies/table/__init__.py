"""The 2014 paper's Table 1, from scratch: its models trained and measured beside controls."""

from advnets.studies.table.fill_table import GATED, Event, Table
from advnets.studies.table.page import as_json, as_markdown, as_text
from advnets.studies.table.results import Results
from advnets.studies.table.rows import TABLE_ROWS, Row

__all__ = ["GATED", "Event", "Results", "Row", "TABLE_ROWS", "Table", "as_json", "as_markdown", "as_text"]
