"""Measuring samples against data: the two sides, the table of measures, the report and what it says in words."""

from advnets.assessment.measure import Measure
from advnets.assessment.measures import GROUPS, KINDS, MEASURES, MeasureRow
from advnets.assessment.plan import SPLITS, EvaluationPlan, parse_measure_names, plan_from
from advnets.assessment.reference import (
    Reference,
    default_sample_count,
    needs_new_classifier,
    reference,
    selection_and_points,
    to_unit_interval,
    within_memory,
)
from advnets.assessment.report import ReferenceCard, Report
from advnets.assessment.report_files import keeping, write_report
from advnets.assessment.run_measures import Doing, assess, evaluating, finished, measuring, noting, telling
from advnets.assessment.selection import CheckpointChoice
from advnets.assessment.subject import (
    Discriminator,
    Subject,
    is_of_files,
    load_reference_data,
    subject_of_files,
    unreadable_files_note,
)
from advnets.assessment.verdict import Verdict, verdicts

__all__ = [
    "CheckpointChoice",
    "Discriminator",
    "Doing",
    "EvaluationPlan",
    "GROUPS",
    "KINDS",
    "MEASURES",
    "Measure",
    "MeasureRow",
    "Reference",
    "ReferenceCard",
    "Report",
    "SPLITS",
    "Subject",
    "Verdict",
    "assess",
    "default_sample_count",
    "evaluating",
    "finished",
    "is_of_files",
    "keeping",
    "load_reference_data",
    "measuring",
    "needs_new_classifier",
    "noting",
    "parse_measure_names",
    "plan_from",
    "reference",
    "selection_and_points",
    "subject_of_files",
    "telling",
    "to_unit_interval",
    "unreadable_files_note",
    "verdicts",
    "within_memory",
    "write_report",
]
