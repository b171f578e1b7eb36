"""Measures the house by its syntax trees: lengths, names, imports and docstrings.

    python tests/tools/measure_house.py [--list] [--floors FILE] [SOURCE]

SOURCE is the folder of the package, by default src/advnets of this checkout. Nothing of it is imported or run.

A function's length is its lines from `def` to its end, without its docstring and its decorators.
A room is a file or a folder directly below the package. The floors are read from FLOORS in the checkout's own
tests/test_layering.py, as a literal. As there, an import is upward if it goes to a room of the same floor or a
higher one, other than its own room and errors. The package's own `__init__` and `__main__` are not looked at.
Imports at the top count apart from imports inside functions. An import of a room counts as one of its `__init__`.
A circle is a set of rooms, or of files of one room, each of which imports all others, directly or by way of others.

Names are of functions, methods and classes, dunder methods left out: 1,750 at commit 0646de6, as in the review.
A participle is one word that ends in -ed, -ing, -wn, -ld or -lt and is not in NO_PARTICIPLES.
"""

import argparse
import ast
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]

PARTICIPLE = re.compile(r"_*[A-Za-z]?[a-z]*(ed|ing|wn|ld|lt)")
NO_PARTICIPLES = {
    "bring", "build", "ceiling", "decoding", "default", "distributed", "documented", "embed", "embedding",
    "encoding", "feed", "field", "fold", "markdown", "need", "own", "padding", "result", "ring", "seed", "speed",
    "string", "threshold", "training", "unknown", "yield",
}  # fmt: skip
"""Words that end like a participle and are none, or that name a thing of the field."""
SECTIONS = re.compile(r"^\s*(Args|Returns|Yields|Raises|Attributes|Example|Examples):\s*$", re.MULTILINE)
ARGUMENTS = re.compile(r"^\s*(Args|Returns):\s*$", re.MULTILINE)
MAY_BE_SHARED = ("errors", "text")
"""The rooms that every other one may import."""
NOT_LOOKED_AT = ("__init__", "__main__")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Named = Function | ast.ClassDef
Row = tuple[str, str, list[str]]
"""What is measured, its number, and what --list adds."""


@dataclass(frozen=True)
class File:
    """One file of the package.

    Args:
        name: Path relative to the package.
        lines: Number of its lines.
        tree: Its syntax tree.
    """

    name: str
    lines: int
    tree: ast.Module

    @property
    def room(self) -> str:
        """The room that the file lies in."""
        return Path(self.name).with_suffix("").parts[0]

    @property
    def folder(self) -> str:
        """The folder that the file lies in."""
        return Path(self.name).parent.as_posix()


@dataclass(frozen=True)
class Import:
    """One import of a file of the package by another: their names, the line, and whether it stands at the top."""

    source: str
    target: str
    line: int
    at_top: bool

    @property
    def rooms(self) -> tuple[str, str]:
        """The rooms of both files."""
        source, target = (Path(name).with_suffix("").parts[0] for name in (self.source, self.target))
        return source, target

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target}"


def read_files(source: Path) -> list[File]:
    """Every Python file below the folder."""
    files = []
    for path in sorted(source.rglob("*.py")):
        text = path.read_text()
        files.append(File(path.relative_to(source).as_posix(), len(text.splitlines()), ast.parse(text)))
    return files


def read_floors(path: Path) -> dict[str, int]:
    """The floor of each room, out of the literal FLOORS of a file."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == "FLOORS" for to in node.targets):
            return {room: floor for floor, rooms in enumerate(ast.literal_eval(node.value)) for room in rooms}
    raise SystemExit(f"{path} has no table FLOORS; give another file by --floors")


def list_named(file: File) -> Iterator[tuple[str, Named]]:
    """Yield each function, method and class of a file with its dotted name, nested ones too."""

    def descend(node: ast.AST, prefix: str) -> Iterator[tuple[str, Named]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Named):
                name = f"{prefix}{child.name}"
                yield name, child
                yield from descend(child, f"{name}.")
            else:
                yield from descend(child, prefix)

    return descend(file.tree, "")


def measure_length(function: Function) -> int:
    """Lines of a function from `def` to its end, without its docstring."""
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return length
    docstring = function.body[0]
    return length - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def measure_functions(files: Sequence[File]) -> Iterator[Row]:
    """Yield the rows on the length of functions."""
    lengths = sorted(
        (measure_length(node), f"{file.name} {name}")
        for file in files
        for name, node in list_named(file)
        if isinstance(node, Function)
    )
    numbers = [length for length, _ in lengths]
    longest, name = lengths[-1]
    details = [f"{length:>4} {name}" for length, name in reversed(lengths[-20:])]
    yield "functions", f"{len(numbers):,}", []
    yield "length of a function: median", f"{statistics.median(numbers):g}", []
    yield "length of a function: 90th percentile", str(numbers[int(0.9 * len(numbers))]), []
    yield "length of a function: longest", f"{longest} ({name})", details
    yield "functions over 40 lines", str(sum(number > 40 for number in numbers)), []


def measure_files(files: Sequence[File]) -> Iterator[Row]:
    """Yield the rows on files and folders."""
    longest = sorted(files, key=lambda file: -file.lines)
    folders = Counter(file.folder for file in files).most_common()
    yield "files", f"{len(files):,}", []
    yield "lines", f"{sum(file.lines for file in files):,}", []
    yield "longest file", f"{longest[0].lines} ({longest[0].name})", [f"{f.lines:>4} {f.name}" for f in longest[:20]]
    yield "files under 60 lines", str(sum(file.lines < 60 for file in files)), []
    yield "largest flat folder", f"{folders[0][1]} ({folders[0][0]})", [f"{n:>4} {name}" for name, n in folders]


def is_participle(name: str) -> bool:
    """Whether a name is one word that ends like a participle, and is not known to be none."""
    return bool(PARTICIPLE.fullmatch(name)) and name.strip("_").lower() not in NO_PARTICIPLES


def measure_names(files: Sequence[File]) -> Iterator[Row]:
    """Yield the rows on one-word participles."""
    named = [(file, name, node) for file in files for name, node in list_named(file) if not node.name.startswith("__")]
    by_ending = sum(bool(PARTICIPLE.fullmatch(node.name)) for _, _, node in named)
    functions = [f"{file.name} {name}" for file, name, node in named if is_function(node) and is_participle(node.name)]
    classes = [
        f"{file.name} {name}" for file, name, node in named if not is_function(node) and is_participle(node.name)
    ]
    modules = [file.name for file in files if is_participle(Path(file.name).stem)]
    yield "names of functions, methods and classes", f"{len(named):,}", []
    yield "one word that ends like a participle", share_of(by_ending, len(named)), []
    yield "participles: functions and methods", share_of(len(functions), len(named)), functions
    yield "participles: classes", share_of(len(classes), len(named)), classes
    yield "participles: files", share_of(len(modules), len(files)), modules


def is_function(node: Named) -> bool:
    """Whether the node is a function or a method, not a class."""
    return isinstance(node, Function)


def list_imports(files: Sequence[File], package: str) -> list[Import]:
    """Every import of a file of the package by another file of it."""
    known = {file.name for file in files}
    found: dict[Import, None] = {}
    for file in files:
        for node, at_top in list_import_nodes(file.tree):
            for module in list_modules(node, file, package):
                target = find_file(module, known)
                if target is not None and target != file.name:
                    found[Import(file.name, target, node.lineno, at_top)] = None
    return list(found)


def list_import_nodes(tree: ast.AST, at_top: bool = True) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Yield each import statement, and whether it stands outside of all functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, at_top
        else:
            yield from list_import_nodes(node, at_top and not isinstance(node, Function | ast.Lambda))


def list_modules(node: ast.Import | ast.ImportFrom, file: File, package: str) -> list[tuple[str, ...]]:
    """What a statement imports of the package, each as the words of a dotted name without the package's own."""
    if isinstance(node, ast.Import):
        names = [tuple(alias.name.split(".")) for alias in node.names]
    else:
        above = Path(file.name).parts[:-1]
        start = (package, *above[: len(above) + 1 - node.level]) if node.level else ()
        base = (*start, *(node.module.split(".") if node.module else ()))
        names = [(*base, alias.name) for alias in node.names]
    return [name[1:] for name in names if name[0] == package]


def find_file(module: tuple[str, ...], known: set[str]) -> str | None:
    """The file of a dotted name, whose last word may be a name inside of the file; None for the package itself."""
    for words in (module, module[:-1]):
        for candidate in (f"{'/'.join(words)}.py", f"{'/'.join(words)}/__init__.py"):
            if words and candidate in known:
                return candidate
    return None


def is_upward(each: Import, floors: Mapping[str, int]) -> bool:
    """Whether an import goes to another room that is not on a lower floor."""
    source, target = each.rooms
    if source in NOT_LOOKED_AT or target in (source, *MAY_BE_SHARED):
        return False
    return floors.get(target, len(floors)) >= floors.get(source, -1)


def find_circles(arrows: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The sets of two nodes or more, each of which reaches all others of its set."""
    graph: dict[str, set[str]] = defaultdict(set)
    for source, target in arrows:
        graph[source].add(target)
    reached = {node: reach_from(node, graph) for node in list(graph)}
    circles = {
        frozenset(other for other in reached[node] if node in reached.get(other, ())) | {node} for node in reached
    }
    return sorted(sorted(circle) for circle in circles if len(circle) > 1)


def reach_from(node: str, graph: Mapping[str, set[str]]) -> set[str]:
    """All nodes that are reached from one by arrows."""
    reached: set[str] = set()
    waiting = [node]
    while waiting:
        for target in graph.get(waiting.pop(), set()) - reached:
            reached.add(target)
            waiting.append(target)
    return reached


def measure_imports(files: Sequence[File], package: str, floors: Mapping[str, int]) -> Iterator[Row]:
    """Yield the rows on upward imports and circles, at the top and inside functions."""
    everything = [each for each in list_imports(files, package) if each.rooms[0] not in NOT_LOOKED_AT]
    rooms = {file.room for file in files}
    missing = sorted(rooms - floors.keys())
    yield "rooms", str(len(rooms)), []
    yield "rooms without a floor", str(len(missing)), missing
    for place, found in (
        ("at the top", [each for each in everything if each.at_top]),
        ("inside functions", [each for each in everything if not each.at_top]),
    ):
        yield f"imports of the package {place}", f"{len(found):,}", [str(each) for each in found if not each.at_top]
        upward = [str(each) for each in found if is_upward(each, floors)]
        yield f"upward imports {place}", str(len(upward)), upward
    for place, found in (
        ("at the top", [each for each in everything if each.at_top]),
        ("with those inside functions", everything),
    ):
        across = {each.rooms for each in found if each.rooms[0] != each.rooms[1]}
        inside = {(each.source, each.target) for each in found if each.rooms[0] == each.rooms[1]}
        yield f"arrows between rooms, {place}", f"{len(across):,}", []
        for kind, arrows in (("rooms", across), ("files of one room", inside)):
            circles = [", ".join(circle) for circle in find_circles(arrows)]
            yield f"circles between {kind}, {place}", str(len(circles)), circles


def list_public(files: Sequence[File]) -> list[tuple[str, Named]]:
    """Functions, methods and classes of the files without a private word in their names; nothing inside functions."""

    def descend(nodes: Iterable[ast.stmt], prefix: str) -> Iterator[tuple[str, Named]]:
        for node in nodes:
            if isinstance(node, Named) and not node.name.startswith("_"):
                yield f"{prefix}{node.name}", node
                if isinstance(node, ast.ClassDef):
                    yield from descend(node.body, f"{prefix}{node.name}.")

    return [(f"{file.name} {name}", node) for file in files for name, node in descend(file.tree.body, "")]


def measure_docstrings(files: Sequence[File]) -> Iterator[Row]:
    """Yield the rows on docstrings."""
    public = list_public(files)
    bare = [name for name, node in public if ast.get_docstring(node) is None]
    texts = [text for file in files for _, node in list_named(file) if (text := ast.get_docstring(node)) is not None]
    sections, arguments = (sum(bool(each.search(text)) for text in texts) for each in (SECTIONS, ARGUMENTS))
    yield "public functions, methods and classes", f"{len(public):,}", []
    yield "without a docstring", share_of(len(bare), len(public)), bare
    yield "docstrings of functions, methods and classes", f"{len(texts):,}", []
    yield "docstrings with Args or Returns", share_of(arguments, len(texts)), []
    yield "docstrings with any section", share_of(sections, len(texts)), []


def share_of(number: int, whole: int) -> str:
    """A number with its share of the whole, in percent."""
    return f"{number:,} ({number / max(whole, 1):.1%})"


def main() -> None:
    """Print the table of one source tree."""
    parser = argparse.ArgumentParser(description="Measure the source tree of the package.")
    parser.add_argument("source", nargs="?", type=Path, default=CHECKOUT / "src" / "advnets", help="the package")
    parser.add_argument("--floors", type=Path, help="file with FLOORS; default the source's own test_layering.py")
    parser.add_argument("--list", action="store_true", help="list what the numbers are made of")
    given = parser.parse_args()
    source = given.source.resolve()
    files = read_files(source)
    if not files:
        raise SystemExit(f"{given.source} has no Python files; expected the folder of the package")
    floors = read_floors(given.floors or source.parent.parent / "tests" / "test_layering.py")
    for rows in (
        measure_files(files),
        measure_functions(files),
        measure_names(files),
        measure_imports(files, source.name, floors),
        measure_docstrings(files),
    ):
        for label, number, details in rows:
            print(f"{label:58} {number}")
            for detail in details if given.list else ():
                print(f"      {detail}")


if __name__ == "__main__":
    main()
