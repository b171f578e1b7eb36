"""The kinds of files that a generator is exported as, by their endings; one row each."""

from pathlib import Path

from advnets.errors import Unsupported
from advnets.experiment.exports.exporter import Exporter
from advnets.experiment.exports.onnx_file import read_onnx_file, write_onnx_file
from advnets.experiment.exports.share_file import read_share_file, write_share_file
from advnets.experiment.model import Model
from advnets.experiment.page_export import write_page

EXPORTERS: dict[str, Exporter] = {
    ".safetensors": Exporter(
        about="the weights, for advnets: it draws the very same samples",
        write=write_share_file,
        read=read_share_file,
        use="advnets sample {path} --out samples.png",
    ),
    ".onnx": Exporter(
        about="the whole computation, for onnxruntime and other programs that know no torch (extra `onnx`)",
        write=write_onnx_file,
        read=read_onnx_file,
        use="advnets sample {path} --out samples.png",
        takes_own_networks=True,
    ),
    ".html": Exporter(
        about="a page that draws samples in any browser, without a server and without a request",
        write=write_page,
        read=None,
        use="open {path} in a browser",
        takes_own_networks=True,
    ),
}
"""By the ending of the file."""

READABLE = tuple(ending for ending, exporter in EXPORTERS.items() if exporter.read is not None)
"""Endings of files that are read as models."""


def find_exporter(path: Path) -> Exporter:
    """Return the exporter of a path's ending.

    Args:
        path: The path; nothing need be there.

    Returns:
        Its row of EXPORTERS.

    Raises:
        Unsupported: For another ending; the error names those that there are.
    """
    if path.suffix not in EXPORTERS:
        raise Unsupported(f"{path}: expected a name that ends in {' or '.join(EXPORTERS)}. Name another file.")
    return EXPORTERS[path.suffix]


def read_model(path: Path) -> Model:
    """Return the model in a file.

    Args:
        path: The file; one with no ending of EXPORTERS is taken for a share file, whose reader says what it is.

    Returns:
        The model.

    Raises:
        BadInput: If it cannot be read, as `read_share_file` and `read_onnx_file` say.
    """
    exporter = EXPORTERS.get(path.suffix)
    if exporter is not None and exporter.read is None:
        raise Unsupported(
            f"{path}: a {path.suffix} file is not read back; expected a file that ends in {' or '.join(READABLE)}"
        )
    return read_share_file(path) if exporter is None or exporter.read is None else exporter.read(path)
