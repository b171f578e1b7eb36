"""What the doctor measures of a training, on copies: no weight, buffer or random number of the training is touched.

Inside of the room a file imports only from those before it: fixed_samples, relu_watch, sample_probe, gradient_probe,
prober, setup_of.
"""

from advnets.experiment.probes.prober import Prober
from advnets.experiment.probes.setup_of import setup_of

__all__ = ["Prober", "setup_of"]
