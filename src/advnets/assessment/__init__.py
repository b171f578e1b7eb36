"""Measuring samples against data: the two sides, the table of measures, the report and what it says in words.

Inside of the room a file imports only from those before it: reference, translations, context, input_files, jackknives,
measure_row, translation_rows, measures, plan, report_figures, verdict, paragraphs, power, summary_phrases, summary,
report, report_files, run_measures, selection.
"""

from advnets.assessment.context import AskedClasses, Context, Discriminator, ReferenceCard, Subject
from advnets.assessment.input_files import (
    TrainingData,
    is_of_files,
    load_reference_data,
    options_where_they_apply,
    reading_notes,
    subject_of_files,
)
from advnets.assessment.measure_row import GROUPS, HEADINGS, KINDS, Measure, MeasureCard, MeasureRow
from advnets.assessment.measures import FEW_REAL, MEASURES, badness, card_of
from advnets.assessment.paragraphs import reference_lines
from advnets.assessment.plan import SPLITS, EvaluationKeywords, EvaluationPlan, parse_measure_names, plan_from
from advnets.assessment.reference import (
    Reference,
    default_sample_count,
    needs_new_classifier,
    reference,
    selection_and_points,
    to_unit_interval,
    within_memory,
)
from advnets.assessment.report import Report
from advnets.assessment.report_files import (
    REPORT_ADVICE,
    UNREAD,
    read_report_file,
    write_new_report,
    write_report,
)
from advnets.assessment.run_measures import (
    Progress,
    Sampler,
    as_part,
    assess,
    evaluate_sampler,
    evaluate_samples,
    exhaust,
    expect_suitable,
    measure_samples,
    note_test_reading,
)
from advnets.assessment.selection import CheckpointChoice
from advnets.assessment.summary import Summary, notes_of_few_held_out, summarise
from advnets.assessment.translations import Translations, baseline_images
from advnets.assessment.verdict import Verdict, verdicts

__all__ = [
    "Summary",
    "notes_of_few_held_out",
    "summarise",
    "AskedClasses",
    "CheckpointChoice",
    "Context",
    "Discriminator",
    "EvaluationKeywords",
    "EvaluationPlan",
    "FEW_REAL",
    "GROUPS",
    "HEADINGS",
    "KINDS",
    "MEASURES",
    "Measure",
    "MeasureCard",
    "MeasureRow",
    "Progress",
    "REPORT_ADVICE",
    "Reference",
    "ReferenceCard",
    "Report",
    "SPLITS",
    "Sampler",
    "Subject",
    "TrainingData",
    "Translations",
    "UNREAD",
    "Verdict",
    "as_part",
    "assess",
    "badness",
    "baseline_images",
    "card_of",
    "default_sample_count",
    "evaluate_samples",
    "exhaust",
    "expect_suitable",
    "evaluate_sampler",
    "is_of_files",
    "load_reference_data",
    "options_where_they_apply",
    "reading_notes",
    "reference_lines",
    "measure_samples",
    "needs_new_classifier",
    "note_test_reading",
    "parse_measure_names",
    "plan_from",
    "read_report_file",
    "reference",
    "selection_and_points",
    "subject_of_files",
    "to_unit_interval",
    "verdicts",
    "within_memory",
    "write_new_report",
    "write_report",
]
