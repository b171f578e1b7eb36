"""Measuring samples against data: the two sides, the table of measures, the report and what it says in words."""

from advnets.assessment.measure import Measure
from advnets.assessment.measures import GROUPS, KINDS, MEASURES, Row
from advnets.assessment.plan import SPLITS, Plan, names_of, plan_of
from advnets.assessment.reference import (
    Reference,
    in_unit,
    lacks_classifier,
    reference,
    selection_and_points,
    usual_samples,
    within_memory,
)
from advnets.assessment.report import Against, Report
from advnets.assessment.report_files import keeping, write_report
from advnets.assessment.run_measures import Doing, assess, evaluating, finished, measuring, noting, telling
from advnets.assessment.selection import Choice
from advnets.assessment.subject import Critic, Subject, against, is_of_files, left_out, subject_of_files
from advnets.assessment.verdict import Verdict, verdicts

__all__ = [
    "Against", "Choice", "Critic", "Doing", "GROUPS", "KINDS", "MEASURES", "Measure", "Plan", "Reference", "Report",
    "Row", "SPLITS", "Subject", "Verdict", "against", "assess", "evaluating", "finished", "in_unit", "is_of_files",
    "keeping",
    "lacks_classifier", "left_out", "measuring", "names_of", "noting", "plan_of", "reference",
    "selection_and_points", "subject_of_files", "telling", "usual_samples", "verdicts", "within_memory", "write_report",
]  # fmt: skip
