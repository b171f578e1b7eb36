"""The data of a run: named in its settings, or given in memory and then recognised by their digest."""

import os
import shlex
from dataclasses import replace
from typing import Any

from advnets.assessment import notes_of_few_held_out
from advnets.data import STORED_NAME, Dataset, find_data, is_named
from advnets.data.description import hints_at_pairs
from advnets.errors import BadInput, Missing
from advnets.experiment.settings import Settings


def choose_data(settings: Settings, data: Any, *, labels: Any = None, given: Any = None) -> tuple[Settings, Dataset]:
    """Return the data set of a run, and the settings that name it.

    Args:
        settings: Settings of the run, which name its data.
        data: Data in place of those: a name, a path, or data in memory as `data.from_memory` takes them; or None.
        labels: Integers (n,) for a tensor or an array, or None.
        given: Images (n, c', h', w') for a tensor or an array, or None.

    Returns:
        The settings with the name of the data, which is `data.STORED_NAME` for data in memory, and the data set.

    Raises:
        BadInput: If labels or given images have no data to belong to, and what `data.find_data` and `data.load` raise.
    """
    if data is None:
        found = [name for name, value in (("labels=", labels), ("given=", given)) if value is not None]
        if found:
            raise BadInput(f"found {' and '.join(found)} without data=. Give the tensor to which they belong as data=.")
        return settings, settings.dataset()
    chosen = find_data(data, labels=labels, given=given)
    if isinstance(chosen, str):
        settings = replace(settings, data=chosen)
        return settings, settings.dataset()
    return replace(settings, data=STORED_NAME), chosen


def load_run_data(
    settings: Settings,
    digest: str,
    path: str,
    *,
    data: Any = None,
    data_dir: str | os.PathLike[str] | None = None,
    labels: Any = None,
    given: Any = None,
) -> Dataset:
    """Load the data of a run again, from where they were or from a new place.

    Args:
        settings: Settings of the run, which name its data.
        digest: Digest of the data that the run was started on.
        path: The run, for the errors.
        data: The data again, as `choose_data` takes them; None for those of the settings.
        data_dir: Folder that is searched first, in place of that of the settings; or None.
        labels: As in `choose_data`.
        given: As in `choose_data`.

    Returns:
        The data set.

    Raises:
        Missing: If they are not there any more; says how to name their new place.
        BadInput: If they are other data, and what `choose_data` raises.
    """
    if data_dir is not None:
        settings = replace(settings, data_dir=os.path.abspath(data_dir))
    try:
        chosen, dataset = choose_data(settings, data, labels=labels, given=given)
    except Missing as error:
        if data is not None or settings.data == STORED_NAME:
            raise
        named = is_named(settings.data)
        how = "the folder of their files by --data-dir FOLDER" if named else "their new place by --data PATH"
        raise Missing(
            f"{error} {path} was trained on these data. If they were moved, give {how}, as in `advnets resume "
            f"{shlex.quote(path)} {how.rpartition('by ')[2]}`; in Python, {'data_dir=' if named else 'data='} of "
            "resume or of Run."
        ) from error
    return expect_digest(dataset, chosen, digest, path)


def data_notes(dataset: Dataset) -> list[str]:
    """Say how image files were read, and what of them stands against a good training or a telling report.

    Args:
        dataset: The data set.

    Returns:
        A line for each; none of data that are not image files.
    """
    return [] if dataset.survey is None else [*dataset.survey.notes, *warnings_of_data(dataset)]


def warnings_of_data(dataset: Dataset) -> list[str]:
    """Say what of image files stands against a good training or a telling report: possible pairs, few held out.

    Args:
        dataset: The data set.

    Returns:
        A line for each; none of data that are not image files.
    """
    return [] if dataset.survey is None else [*hints_at_pairs(dataset), *notes_of_few_held_out(len(dataset.validation))]


def refuse_other_data(settings: Settings, data: Any) -> None:
    """Refuse settings that contradict data given beside them.

    Args:
        settings: Settings of a new run.
        data: Data as `choose_data` takes them, or None.

    Raises:
        BadInput: If the settings name other data, or say how to read files where the data are in memory.
    """
    if data is None:
        return
    if settings.data != Settings.data:
        raise BadInput(f"found data= beside settings that name the data {settings.data!r}. Give one of them.")
    flags = [*settings.image_options.chosen_flags, *(["--data-dir"] if settings.data_dir else [])]
    flags += ["--direction"] if settings.direction else []
    flags += ["--other"] if settings.other else []
    if flags and not isinstance(data, str | os.PathLike):
        raise BadInput(f"{', '.join(flags)}: found data in memory, expected files. Leave these settings out.")


def expect_digest(dataset: Dataset, settings: Settings, digest: str, path: str) -> Dataset:
    """Return a data set if it is the one that a run was started on.

    Args:
        dataset: Data set to check.
        settings: Settings that name it, as `choose_data` returned them.
        digest: Digest of the data that the run was started on.
        path: The run, for the error.

    Raises:
        BadInput: If the digest is another.
    """
    if dataset.digest == digest:
        return dataset
    differing = f"digest is {dataset.digest[:12]}, expected {digest[:12]}"
    if settings.data == STORED_NAME:
        raise BadInput(
            f"data=: found other data than those that {path} was started on: their {differing}. Give the former data, "
            "labels and given images again."
        )
    raise BadInput(
        f"{settings.data} is not the data that {path} was started on: its {differing}. Bring the former data "
        "back, or give their place by --data PATH."
    )
