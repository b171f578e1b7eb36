"""Files that a generator leaves the house in, and comes back by: one row of EXPORTERS for each kind.

Inside of the room a file imports only from those before it: exporter, share_file, plain_generator, onnx_graph,
sealed_onnx, onnx_network, onnx_file, table.
"""

from advnets.experiment.exports.exporter import ExportedFile, Exporter, Notes
from advnets.experiment.exports.onnx_network import OnnxNetwork
from advnets.experiment.exports.table import EXPORTERS, READABLE, find_exporter, read_model

__all__ = ["EXPORTERS", "ExportedFile", "Exporter", "Notes", "OnnxNetwork", "READABLE", "find_exporter", "read_model"]
