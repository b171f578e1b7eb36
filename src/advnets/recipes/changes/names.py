"""The names of a recipe's values, short and long, and the words that other programs have for them.

A flag of the command and a keyword of Python are one name: --generator.hidden is generator_hidden=, --lr is lr=.
"""

from collections.abc import Iterable, Sequence

from advnets.errors import BadInput
from advnets.recipes.changes.values import RecipeValue

_BOTH = ("discriminator", "generator", "learner")

SHORT: dict[str, tuple[str, ...]] = {
    "k": ("algorithm.k",),
    "lr": tuple(f"{player}.rate" for player in _BOTH),
    "rate": tuple(f"{player}.rate" for player in _BOTH),
    "optimizer": tuple(f"{player}.optimizer" for player in _BOTH),
    "betas": tuple(f"{player}.optimizer.betas" for player in _BOTH),
    "weight-decay": (*(f"{player}.optimizer.weight-decay" for player in _BOTH), "learner.weight-decay"),
    "width": tuple(f"{player}.width" for player in _BOTH),
}
"""{short name: the values that it sets, as many of them as the recipe has}."""

HABITS = {
    "learning-rate": "lr", "g-lr": "generator.rate", "lr-g": "generator.rate", "d-lr": "discriminator.rate",
    "lr-d": "discriminator.rate", "batch": "batch-size", "bs": "batch-size", "loss": "objective", "optim": "optimizer",
    "latent-dim": "latent-size", "z-dim": "latent-size", "nz": "latent-size", "n-critic": "k", "d-steps": "k",
    "iterations": "steps", "iters": "steps", "max-steps": "steps", "n-iter": "steps",
    "dataset": "data", "dataroot": "data", "data-path": "data", "outdir": "out", "output": "out", "output-dir": "out",
    "monitor": "keep-best", "early-stopping-patience": "patience",
    "random-seed": "seed", "manual-seed": "seed", "resolution": "image-size", "img-size": "image-size",
}  # fmt: skip
"""{a name that other programs have: ours, which it is taken for}."""

_LENGTH = (
    "a length is counted in steps or minutes, not in passes through the data. One pass takes images / batch size "
    "steps: {steps}"
)
_PROCESSES = "each GPU has a process of its own: torchrun --nproc-per-node N -m advnets train ...; one is {device}"
_WORKERS = "data are decoded once and then read without worker processes. Leave it out"
_PRECISION = "the type of the networks' products is {precision}"
_EARLY = "a training that gets no better on held-out data ends early by {patience}"
_FLIP = "what the discriminator sees images through is {augment}"

ANSWERS = {
    "epochs": _LENGTH, "epoch": _LENGTH, "n-epochs": _LENGTH, "num-epochs": _LENGTH, "max-epochs": _LENGTH,
    "gpus": _PROCESSES, "gpu": _PROCESSES, "n-gpus": _PROCESSES, "num-gpus": _PROCESSES, "gpu-ids": _PROCESSES,
    "workers": _WORKERS, "num-workers": _WORKERS, "n-workers": _WORKERS,
    "amp": _PRECISION, "fp16": _PRECISION, "bf16": _PRECISION, "mixed-precision": _PRECISION,
    "early-stop": _EARLY, "early-stopping": _EARLY, "save-best": "the best checkpoint is kept by {keep_best}",
    "flip": _FLIP, "mirror": _FLIP, "augmentation": _FLIP,
    "resume": "a run is trained on by `advnets resume RUN`, in Python advnets.resume(path)",
    "ema": "the moving average of what is sampled is {half_life}, in images; 0 samples the network itself",
}  # fmt: skip
"""{a name that other programs have, and that stands for no value of ours: what to do}."""
_EXAMPLES = {
    "steps": ("--steps N", "steps=N"),
    "device": ("--device cuda", 'device="cuda"'),
    "precision": ("--precision bfloat16", 'precision="bfloat16"'),
    "augment": ("--augment.parts mirror", 'augment_parts=("mirror",)'),
    "patience": ("--keep-best fid --patience 5", 'keep_best="fid", patience=5'),
    "keep_best": ("--keep-best fid", 'keep_best="fid"'),
    "half_life": ("--half-life NUMBER", "half_life=NUMBER"),
}
"""{name in an answer: how the command and how Python spells it}."""


def keyword_of(name: str) -> str:
    """Return the Python keyword of a flag: generator_optimizer_betas of generator.optimizer.betas.

    Args:
        name: The flag without its dashes.

    Returns:
        The keyword.
    """
    return name.replace(".", "_").replace("-", "_")


def full_names(name: str, values: Sequence[RecipeValue]) -> tuple[str, ...]:
    """Return the values of a recipe that a name stands for.

    Args:
        name: A flag without its dashes, a keyword, or a name that other programs have.
        values: The values of the recipe.

    Returns:
        Their names: one, several for a short name, none if the recipe has none of them.
    """
    known = {keyword_of(value.name): value.name for value in values}
    word = keyword_of(name)
    if word in known:
        return (known[word],)
    meant = _habits.get(word, name)
    if keyword_of(meant) in known:
        return (known[keyword_of(meant)],)
    return tuple(one for one in _short.get(keyword_of(meant), ()) if keyword_of(one) in known)


def answer_habit(name: str, *, in_python: bool) -> BadInput | None:
    """Return the error that answers a name of other programs.

    Args:
        name: The flag without its dashes, or the keyword.
        in_python: Whether Python asked, not the command.

    Returns:
        The error; None for any other name.
    """
    answer = _answers.get(keyword_of(name))
    if answer is None:
        return None
    spelled = f"{name}=" if in_python else f"--{name}"
    return BadInput(f"{spelled}: {answer.format(**{word: both[in_python] for word, both in _EXAMPLES.items()})}.")


def _by_keyword(names: Iterable[str]) -> dict[str, str]:
    return {keyword_of(name): name for name in names}


_short = {keyword: SHORT[name] for keyword, name in _by_keyword(SHORT).items()}
_habits = {keyword: HABITS[name] for keyword, name in _by_keyword(HABITS).items()}
_answers = {keyword: ANSWERS[name] for keyword, name in _by_keyword(ANSWERS).items()}
