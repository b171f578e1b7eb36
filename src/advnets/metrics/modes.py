"""Which modes samples fall into: the class of the nearest real image, the share of each class, Stacked MNIST's triples.

In Stacked MNIST, the three digits in the channels of an image are one of 1,000 modes.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.statistics.arrays import Array
from advnets.statistics.distances import find_nearest
from advnets.statistics.estimate import Estimate, Note, share_error
from advnets.statistics.mode_counts import mode_divergence, occupied_modes

DIGITS, CHANNELS = 10, 3
MODES = DIGITS**CHANNELS


def nearest_class(samples: Array, real: Array, labels: Array) -> Tensor:
    """Label every sample with the class of its nearest real image.

    This is the 1-nearest-neighbour rule (T. Cover and P. Hart, 1967).

    Args:
        samples: Samples, as in `find_nearest`.
        real: Real images, (m, ...), as in `find_nearest`.
        labels: Classes of the real images, (m,) integers from 0.

    Returns:
        The class of every sample, (n,) int64.

    Raises:
        BadInput: As `find_nearest` does, or if the labels do not fit.
    """
    classes = torch.as_tensor(labels)
    if classes.shape != (len(real),) or classes.is_floating_point() or bool((classes < 0).any()):
        found = f"{tuple(classes.shape)} of {classes.dtype}"
        raise BadInput(f"labels: found {found}, expected ({len(real)},) integers from 0. Give one for each real image.")
    index, _ = find_nearest(samples, real)
    return classes.to(index)[index]


def class_shares(classes: Array, n_classes: int, *, names: Sequence[str] | None = None) -> Estimate:
    """Compute the share of each class among samples; the value is the smallest share.

    It is 0 if a class is missing, and 1 / n_classes if all classes are even.

    Args:
        classes: Classes of the samples, (n,) integers from 0, by any rule: `nearest_class`, or a classifier.
        n_classes: Number of classes.
        names: Names of the classes, for the notes; None takes their numbers.

    Returns:
        The smallest share. Its error is `share_error`, which is right for a class named beforehand; the smallest of
        several shares is biased low. Its notes hold `class 0`, or `class cat`, and so on, the shares p_c; `entropy`,
        -sum_c p_c log p_c, in nats, at most log n_classes; `missing`, the number of classes without a sample; `n`.

    Raises:
        BadInput: If classes are not in 0 .. n_classes - 1.
    """
    counts = _count_classes(classes, n_classes, "classes")
    n = int(counts.sum())
    shares = (counts.double() / n).tolist()
    notes: dict[str, Note] = {
        f"class {name}": share for name, share in zip(names or range(n_classes), shares, strict=True)
    }
    notes["entropy"] = -sum(share * math.log(share) for share in shares if share > 0)
    notes |= {"missing": shares.count(0.0), "n": n}
    return Estimate(min(shares), share_error(int(counts.min()), n), notes=notes)


def class_entropy(classes: Array, n_classes: int) -> Estimate:
    """Compute the entropy of the classes of samples, in nats.

        H = -sum_c p_c log p_c

    It is 0 if all samples are of one class, and log n_classes if all classes are even. It is biased low by about
    (n_classes - 1) / 2n (G. Miller, Note on the bias of information estimates, 1955), which is left in.

    Args:
        classes: Classes of the samples, as in `class_shares`.
        n_classes: Number of classes.

    Returns:
        The entropy. Its error is the delta method's, sqrt((sum_c p_c (log p_c)^2 - H^2) / n). Its notes hold `modes`,
        the number of classes that one sample in a hundred falls into at least, and `n`.

    Raises:
        BadInput: If classes are not in 0 .. n_classes - 1.
    """
    counts = _count_classes(classes, n_classes, "classes").double()
    n = float(counts.sum())
    p = counts[counts > 0] / n
    entropy = float((p * -p.log()).sum().abs())
    variance = max(0.0, float((p * p.log().square()).sum()) - entropy**2)
    return Estimate(entropy, math.sqrt(variance / n), notes={"modes": int((counts >= n / 100).sum()), "n": int(n)})


def class_distance(classes: Array, real: Array, n_classes: int, *, names: Sequence[str] | None = None) -> Estimate:
    """Compute the total variation distance between the classes of samples and those of real images.

        TV = 1/2 sum_c |p_c - q_c|,    chi^2 = sum_c (sqrt(m / n) o_c - sqrt(n / m) r_c)^2 / (o_c + r_c)

    o_c = n p_c samples and r_c = m q_c real images are of class c. The distance is 0 if the classes are alike, and 1 if
    they are disjoint. chi^2 is Pearson's for two samples, with one degree of freedom fewer than there are classes that
    occur. Its p-value is the chance of a chi^2 as large if samples and real images had one distribution of classes. It
    means little where fewer than about 5 images are expected in a class.

    Args:
        classes: Classes of samples, (n,) integers from 0.
        real: Classes of real images by the same rule, (m,) integers from 0.
        n_classes: Number of classes.
        names: Names of the classes, for the notes; None takes their numbers.

    Returns:
        The distance, with the p-value. Its error is the delta method's, over samples and real images. Its floor is
        nearly its mean between two draws of real images, 1/2 sum_c sqrt(2 / pi q_c (1 - q_c) (1 / n + 1 / m)). Its
        notes hold `chi2`, `degrees`, `n` and `m`; `oddest`, the class whose share falls farthest from that of real
        images in standard errors, and both shares of it.

    Raises:
        BadInput: As `class_shares` does.
    """
    o, r = _count_classes(classes, n_classes, "classes").double(), _count_classes(real, n_classes, "real").double()
    n, m = float(o.sum()), float(r.sum())
    p, q = o / n, r / m
    signs = (p - q).sign()
    variance = sum((share.sum() - (signs * share).sum().square()) / count for share, count in ((p, n), (q, m))) / 4
    floor = (2 / math.pi * q * (1 - q) * (1 / n + 1 / m)).sqrt().sum() / 2
    occurs = o + r > 0
    chi2 = float((math.sqrt(m / n) * o - math.sqrt(n / m) * r).square()[occurs].div((o + r)[occurs]).sum())
    degrees = int(occurs.sum()) - 1
    notes: dict[str, Note] = {"chi2": chi2, "degrees": degrees, "n": int(n), "m": int(m)}
    worst = int(((p - q).abs() / (p + q).clamp(min=1e-300).sqrt()).argmax())
    notes |= {"oddest": f"class {worst}" if names is None else names[worst]}
    notes |= {"oddest share": float(p[worst]), "oddest real share": float(q[worst])}
    distance, error = float((p - q).abs().sum() / 2), math.sqrt(max(0.0, float(variance)))
    return Estimate(distance, error, float(floor), notes, p_value=_chi2_tail(chi2, degrees))


def class_agreement(
    asked: Array, drawn: Array, labels: Array, classified: Array, *, names: Sequence[str] | None = None
) -> Estimate:
    """Compute the share of samples that are of the class that was asked, by a classifier of real images.

        A = 1/n sum_i [c(G(z_i, y_i)) = y_i]

    It is the accuracy of a classifier on samples (S. Ravuri and O. Vinyals, Classification accuracy score for
    conditional generative models, 2019, have it the other way round: a classifier trained on samples, tested on real
    images). A classifier errs on real images too: its rate there is the floor. Samples lie above it where they are
    easier to tell than real images, or are training images.

    Args:
        asked: Classes y_i that were asked, (n,) integers from 0.
        drawn: Classes c of the samples by the classifier, (n,).
        labels: Classes of held-out images, (m,) integers from 0.
        classified: Classes of the held-out images by the classifier, (m,).
        names: Names of the classes, for the notes; None takes their numbers.

    Returns:
        The share, with the classifier's own as floor. Errors are those of `share_error`, of the floor in the note
        `floor_error`. Its notes hold `worst class`, the class for which the share is smallest, `worst`, that share, `n`
        and `m`.

    Raises:
        BadInput: If there are not as many classes on both sides, or none.
    """
    agrees, right = _agreement(asked, drawn, "asked"), _agreement(labels, classified, "labels")
    (n, hits), (m, rights) = ((len(one), int(one.sum())) for one in (agrees, right))
    per_class = {y: agrees[torch.as_tensor(asked) == y].double().mean() for y in set(torch.as_tensor(asked).tolist())}
    of_classes = {y: float(share) for y, share in sorted(per_class.items())}
    worst = min(of_classes, key=lambda y: of_classes[y])
    notes: dict[str, Note] = {"worst class": worst if names is None else names[worst], "worst": of_classes[worst]}
    notes |= {"n": n, "m": m, "floor_error": share_error(rights, m)}
    return Estimate(hits / n, share_error(hits, n), floor=rights / m, notes=notes)


def _agreement(one: Array, other: Array, name: str) -> Tensor:
    """Where two lists of classes agree, (n,) truth values."""
    one, other = torch.as_tensor(one), torch.as_tensor(other)
    if one.shape != other.shape or one.ndim != 1 or len(one) == 0:
        found = f"{tuple(one.shape)} beside {tuple(other.shape)}"
        raise BadInput(
            f"{name}: found classes of shape {found}, expected (n,) on both sides, n > 0. Give one for each."
        )
    return torch.eq(one, other)


def _chi2_tail(chi2: float, degrees: int) -> float:
    """P(X > chi2) for X of chi^2 with that many degrees of freedom: the regularised gamma function Q(k/2, chi2/2)."""
    if degrees == 0:
        return 1.0
    half = torch.tensor([degrees / 2, chi2 / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(half[0], half[1]))


def _count_classes(classes: Array, n_classes: int, name: str) -> Tensor:
    """How often each of 0 .. n_classes - 1 occurs, (n_classes,) int64."""
    given = torch.as_tensor(classes)
    if given.ndim != 1 or len(given) == 0 or given.is_floating_point() or given.dtype == torch.bool:
        found = f"{tuple(given.shape)} of {given.dtype}"
        raise BadInput(f"{name}: found {found}, expected (n,) integers from 0, n > 0. Give one for each image.")
    low, high = int(given.min()), int(given.max())
    if low < 0 or high >= n_classes:
        raise BadInput(f"{name}: found {low} to {high}, expected 0..{n_classes - 1}. Raise n_classes, or mend them.")
    return torch.bincount(given, minlength=n_classes)


def stacked_modes(classes: Array) -> dict[str, Estimate]:
    """Count the triples of digits among samples of Stacked MNIST, of which there are 1,000, and how even they are.

    L. Metz et al., Unrolled generative adversarial networks, 2017, section 3.3.1; Z. Lin et al., PacGAN, 2018, section
    4.2. Both numbers change with n: compare them at PacGAN's 26,000 samples. A classifier that errs adds modes and
    hides missing ones, so say which one it was.

    Args:
        classes: Digits 0..9 of each channel as a classifier names them, (n, 3) integers.

    Returns:
        Two estimates by name. "modes" is the number of triples with a sample; error, interval and floor are those of
        `occupied_modes`, the floor being the mean number for even triples. "kl" is the divergence of the triples from
        even ones, KL(p_gen || uniform), in nats; error, bias, floor (.0192 for 26,000 samples) and the notes
        `corrected` and `exact_floor` are those of `mode_divergence`.

    Raises:
        BadInput: If the shape is another one, or there is something else than digits.
    """
    digits = torch.as_tensor(classes)
    if digits.ndim != 2 or digits.shape[1] != CHANNELS or len(digits) == 0 or not _holds_integers(digits):
        found = f"{tuple(digits.shape)} of {digits.dtype}"
        raise BadInput(f"classes: found {found}, expected (n, 3) integers, n > 0. Give a digit for each channel.")
    low, high = int(digits.min()), int(digits.max())
    if low < 0 or high >= DIGITS:
        raise BadInput(f"classes: found {low} to {high}, expected digits 0..9. Mend the classifier's labels.")
    first, second, third = digits.long().T
    triples = (first * DIGITS + second) * DIGITS + third
    counts = torch.bincount(triples, minlength=MODES).cpu().numpy()
    return {"modes": occupied_modes(counts, len(digits)), "kl": mode_divergence(counts)}


def _holds_integers(values: Tensor) -> bool:
    return not values.is_floating_point() and not values.is_complex() and values.dtype != torch.bool
