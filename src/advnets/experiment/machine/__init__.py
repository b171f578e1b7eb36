"""What the machine has, and what a training takes of it."""

from advnets.experiment.machine.cost import Cost, dry_run, peak_mebibytes
from advnets.experiment.machine.installation import clear_cache, describe_installation, measure_cache

__all__ = ["Cost", "clear_cache", "describe_installation", "dry_run", "measure_cache", "peak_mebibytes"]
