"""A model: a generator ready to draw samples, out of a run's newest checkpoint or out of a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from torch import Tensor, nn

from advnets import assessment, data
from advnets.assessment import AskedClasses, Report, Subject, evaluate_sampler, exhaust, plan_from
from advnets.data import TRANSFORMS, Dataset, Transform
from advnets.errors import Unsupported
from advnets.experiment.model_data import load_model_data
from advnets.experiment.paper_figures import draw_figure2_of, draw_figure3_of
from advnets.experiment.sampling import (
    FRAMES,
    STEPS,
    Given,
    Inputs,
    SamplePlan,
    Samples,
    ShowProgress,
    TranslationPlan,
    Values,
    choose_given,
    choose_inputs,
    draw_noises,
    draw_translations,
    expect_place_for_samples,
    expect_place_for_translations,
    expect_translator,
    follow_blocks,
    ignore_progress,
    is_streamed,
    join_blocks,
    make_blocks,
    sweep_code,
    translate_image,
    translate_stored,
    write_blocks,
    write_translations,
)  # fmt: skip
from advnets.runs import Card


@dataclass(frozen=True, eq=False)
class Model:
    """A generator and what its samples need; sampling takes no data.

    Attributes:
        name: How reports call it.
        network: The generator, in evaluation mode, on the CPU.
        card: What it is.
        source: How a command names it: its file, or one that ships; "" where it is a run's, or of one's own.
    """

    name: str
    network: nn.Module
    card: Card
    source: str = ""

    @property
    def step(self) -> int:
        """The step that it was trained to."""
        return self.card.step

    def sample(
        self,
        n: int | None = None,
        *,
        seed: int | None = None,
        seeds: Sequence[int] | None = None,
        given: Given = None,
        truncation: float = 1.0,
        category: int | None = None,
        continuous: Sequence[float] | None = None,
    ) -> Samples:
        """Draw samples.

        Args:
            n: How many, 1 or more; None for 64.
            seed: Seed of the noises; None for 0. Samples of chains depend on n too, because moves are drawn for all at
                once.
            seeds: A seed for each sample, in place of n and seed. The sample of seed s is, bit for bit, the one that
                `sample(1, seed=s)` draws: each is made alone, for how many are made at once changes the last bits.
            given: A class for all or n classes, by name or number; or n images as the network sees them. Where no
                class is given, each is drawn by its share in the training split.
            truncation: psi, by which z is multiplied, in (0, 1]: less draws samples that are more alike, and often
                better. See `draw_noises`.
            category: The category that the code of all samples has, from 0, of a model with a code (InfoGAN).
            continuous: The continuous coordinates that it has, each in [-1, 1].

        Returns:
            The samples.

        Raises:
            BadInput: For numbers out of range, n or seed beside seeds, classes that are not there, and where images
                have to be given.
            Unsupported: For a truncation where there are no noises, or chains forget them.
            TooBig: If the machine has no memory for so many.
            NonFinite: If the network makes a NaN or an Inf.
        """
        return self.gather(SamplePlan(n, seed, seeds, given, truncation, category=category, continuous=continuous))

    def sweep(self, coordinate: int = 1, *, steps: int = STEPS, seed: int = 0) -> Samples:
        """Draw samples in which a continuous coordinate of the code goes from -1 to 1, a row for each category.

        Chen et al., InfoGAN, 2016, figure 2. All else of z is the same in all of them.

        Args:
            coordinate: Which continuous coordinate, from 1 on.
            steps: Samples a row, 2 or more.
            seed: Seed of all else.

        Returns:
            The samples, row by row.

        Raises:
            BadInput: If the model has no such coordinate, or for fewer than 2 steps.
            NonFinite: As `sample` does.
        """
        return replace(self.emit(sweep_code(self.card, self.name, coordinate, steps, seed)), columns=steps)

    def interpolate(
        self, seeds: Sequence[int], *, frames: int = FRAMES, given: Given = None, truncation: float = 1.0
    ) -> Samples:
        """Draw samples on the way from seed to seed, spherical for a Gaussian z and straight for a uniform one.

        Name the first seed again at the end, and the way is a ring. `.save("x.webp")` writes an animation.

        Args:
            seeds: Two or more; their samples, which `sample(seeds=seeds)` draws, are among these bit for bit.
            frames: How many lie between those of two seeds, 0 or more; at 20 a second, 19 make a second.
            given: The class, by name or number, of a model that is given labels.
            truncation: As in `sample`.

        Returns:
            The samples, len(seeds) + (len(seeds) - 1) frames of them.

        Raises:
            BadInput: As `sample` does.
            Unsupported: Where there are no noises, or chains forget them.
            TooBig: As `sample` does.
            NonFinite: As `sample` does.
        """
        return self.gather(SamplePlan(None, None, seeds, given, truncation, frames))

    def gather(self, plan: SamplePlan, show: ShowProgress = ignore_progress) -> Samples:
        """Draw the samples of a plan, all in memory.

        Args:
            plan: Which samples are asked for.
            show: Called with the progress after each block.

        Returns:
            The samples.

        Raises:
            BadInput: As `sample` does.
            Unsupported: As `sample` does.
            TooBig: As `sample` does.
            NonFinite: As `sample` does.
        """
        return join_blocks(self._blocks(plan, show, streamed=False), frames=plan.frames)

    def save_samples(self, path: str | Path, plan: SamplePlan, show: ShowProgress = ignore_progress) -> Path:
        """Draw the samples of a plan and write them as `Samples.save` does, the very same bytes.

        FILE.zip, FILE.npz and FOLDER/ are written while the samples are drawn, so that the memory does not grow with
        their number but for the noises, see `draw_noises`, and an archive's list of files.

        Args:
            path: FILE.png, FILE.webp, FILE.npz, FILE.zip or FOLDER/.
            plan: Which samples are asked for.
            show: Called with the progress after each block.

        Returns:
            The path; what is there is whole.

        Raises:
            BadInput: If the place is taken, and as `sample` does.
            Unsupported: For another ending, for points as pictures one by one, and as `sample` does.
            CannotWrite: If the disk fails or is full.
            TooBig: As `sample` does.
            NonFinite: As `sample` does.
        """
        shape = self.card.data.shape
        expect_place_for_samples(path, points=len(shape) == 1)
        if not is_streamed(path):
            return self.gather(plan, show).save(path)
        blocks = self._blocks(plan, show, streamed=True)
        return write_blocks(Path(path), blocks, (plan.count, *shape[1:], *shape[:1]))

    def _blocks(self, plan: SamplePlan, show: ShowProgress, *, streamed: bool) -> Iterator[Values]:
        inputs = choose_inputs(self.network, self.card, self.name, plan, streamed=streamed)
        return follow_blocks(make_blocks(self.network, self.card, inputs, name=self.name), len(inputs), show)

    def translate(self, images: Tensor, *, n: int = 1, seed: int = 0, dropout: bool = True) -> Samples:
        """Translate images by a generator that is given images.

        Args:
            images: Stored images, uint8 (m, c, h, w), of any size, with the channels that it was trained on. They are
                scaled to the size that it was trained on, and what is made of them is scaled back.
            n: Translations of each image; more than 1 where the generator has noise.
            seed: Seed of the first of them; the next ones have the numbers behind it.
            dropout: Whether pix2pix's dropout is on, which is its noise.

        Returns:
            The translations, m n of them, those of an image one behind the other. What is made of an image does not
            depend on the others.

        Raises:
            BadInput: If it is given no images, for other channels, and for several translations without noise.
            NonFinite: If the network makes a NaN or an Inf.
        """
        plan = TranslationPlan(n, seed, dropout)
        return Samples(translate_stored(self.network, self.card, images, plan, name=self.name))

    def translate_files(
        self,
        paths: Sequence[str | Path],
        out: str | Path,
        plan: TranslationPlan = TranslationPlan(),  # noqa: B008 - frozen
        show: ShowProgress = ignore_progress,
    ) -> Path:
        """Translate image files, and write each by its name as a PNG of its own size.

        Args:
            paths: Image files, and folders of them.
            out: FOLDER/, or FILE.png for one translation of one image; nothing is overwritten.
            plan: How they are translated.
            show: Called with the progress after each image.

        Returns:
            The place; what is there is whole.

        Raises:
            BadInput: As `translate` does, if a file cannot be read, and if the place is taken.
            CannotWrite: If the disk fails or is full.
        """
        shape = expect_translator(self.network, self.card, plan, name=self.name)
        files = data.find_image_files(paths)
        expect_place_for_translations(out, files, plan)
        translate = partial(translate_image, self.network, self.card, plan=plan, name=self.name)
        return write_translations(Path(out), files, shape, translate, show)

    def draw(self, n: int, *, seed: int) -> Tensor:
        """Draw the noises z that `sample` makes its samples of.

        Args:
            n: How many.
            seed: Their seed.

        Returns:
            z, (n, latent_size), float32.

        Raises:
            Unsupported: If the generator takes no noises.
        """
        z = draw_noises(self.card, n, seed)
        if z is None:
            raise Unsupported(f"{self.name} takes no noises; its samples are made of what it is given")
        return z

    def emit(self, z: Tensor | None, *, seed: int = 0, given: Tensor | None = None) -> Samples:
        """Make the samples of noises, or of what is given.

        Args:
            z: Noises (n, latent_size), or None where the generator takes none.
            seed: Seed of what a network draws for itself, as chains do.
            given: Labels (n,), or images as the network sees them, or None.

        Returns:
            The samples.

        Raises:
            NonFinite: If the network makes a NaN or an Inf.
        """
        return join_blocks(make_blocks(self.network, self.card, Inputs(z, given, seed), name=self.name))

    @property
    def transform(self) -> Transform:
        """Between stored values and what the network emits."""
        return TRANSFORMS[self.card.transform]

    def dataset(self, name_or_path: str | None = None, data_dir: str | None = None) -> Dataset:
        """Load the data that it was trained on, by the name on its card, or those that are named.

        The images of a folder or a zip that is named are brought to the card's size and channels, by a centre crop.

        Args:
            name_or_path: Other data, as `advnets.load` takes them; None for those on the card.
            data_dir: Folder that is searched first for the files of named data sets.

        Returns:
            The data, of the shape that it draws; for the way back of a cycle its samples and given images are swapped.

        Raises:
            BadInput: If the card's data have no name, or are other data by now, or samples are of another shape.
            Missing: If there are no such files.
        """
        return load_model_data(self.card, self.name, name_or_path, data_dir)

    def evaluate(self, dataset: Dataset | None = None, **plan: Unpack[assessment.EvaluationKeywords]) -> Report:
        """Measure its samples against data; nothing is written.

        Args:
            dataset: The real images, or points; default the data that it was trained on.
            **plan: Fields of `EvaluationPlan`.

        Returns:
            The report.

        Raises:
            BadInput: If nothing that was asked for can be measured.
            Unsupported: As `evaluate_sampler` and `draw_subject` do.
        """
        report = exhaust(evaluate_sampler(self, dataset or self.dataset(), plan_from(plan)))
        report.must_have_measures()
        return report

    def usual_count(self, dataset: Dataset, split: str) -> int:
        """Return how many samples are measured by default.

        Args:
            dataset: What they are measured against.
            split: The split whose images are given to a generator that translates.

        Returns:
            The number: 10,000, or fewer for few or large training samples; at most one translation of each image.
        """
        usual = assessment.default_sample_count(dataset)
        given = dataset.splits[split].given if self.card.given == "images" else None
        return usual if given is None else min(usual, len(given))

    def draw_subject(self, n: int, *, seed: int, dataset: Dataset, split: str) -> Subject:
        """Draw samples that are measured.

        Args:
            n: Number of samples.
            seed: Seed of the noises.
            dataset: What they are measured against, which a generator that is given images is given those of.
            split: The split whose images it is given.

        Returns:
            The samples.

        Raises:
            Unsupported: As `must_be_measurable` does.
            BadInput: If it is to translate images that are not there.
        """
        self.must_be_measurable()
        if self.card.given == "images":
            return draw_translations(self.network, self.card, dataset.splits[split], n, seed=seed, name=self.name)
        labels = choose_given(self.card, self.name, n, seed, None)  # those that `sample` draws where no class is given
        asked = None if labels is None else AskedClasses(labels, self.card.data.class_names)
        return Subject(self.name, self.sample(n, seed=seed).stored_values, self.step, asked=asked)

    def must_be_measurable(self) -> None:
        """Check that its samples can be measured.

        Raises:
            Unsupported: If its transform has no inverse, as then brightness and contrast are lost.
        """
        if not self.transform.invertible:
            raise Unsupported(
                f"{self.name}: samples under the transform {self.card.transform!r} have lost the brightness and "
                "contrast that are measured; look at them: `advnets sample`, `advnets figures figure2`"
            )

    def figure2(self, dataset: Dataset, *, seed: int = 0) -> Any:
        """Draw Figure 2 of the 2014 paper: rows of five fresh samples, and the training image nearest to the fifth.

        Args:
            dataset: The data whose training images are searched.
            seed: Seed of the samples.

        Returns:
            The picture, a PIL image.
        """
        return draw_figure2_of(self, dataset, seed=seed)

    def figure3(self, *, rows: int = 4, columns: int = 12, seed: int = 0) -> Any:
        """Draw Figure 3 of the 2014 paper: samples on straight lines between two points of z.

        Args:
            rows: Number of lines.
            columns: Samples a line, 2 or more.
            seed: Seed of the ends of the lines.

        Returns:
            The picture, a PIL image.

        Raises:
            Unsupported: For a baseline, whose chains forget where they began, and where there are no noises.
        """
        return draw_figure3_of(self, rows=rows, columns=columns, seed=seed)
