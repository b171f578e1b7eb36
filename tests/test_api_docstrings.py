"""Every name of the public API has a complete docstring: a sentence, its parameters, what it returns and raises.

The public API is what docs/api.md shows and what the `__all__` of advnets, of a room or of a file names, with the
public members of its classes. A method need not repeat what another one says: of a base class that it implements, or
one that it names in its own text, by "as `Model.figure2` does" or "see `Playable.draw`". Nor need a dataclass repeat
the attributes of a base class whose fields it has. The other one has to be complete by itself.
"""

import ast
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import pytest

import advnets
from advnets.assessment import EvaluationKeywords
from advnets.errors import CannotWrite
from advnets.experiment import Settings
from advnets.experiment.settings import TrainingPlan

NAMES: list[str] = advnets.__all__  # type: ignore[attr-defined]  # made when it is asked for
PAGE = Path(__file__).parent.parent / "docs" / "api.md"
SHOWN = re.compile(r"auto(?:function|class|module):: (\S+)")
HEADING = re.compile(r"(Args|Attributes|Returns|Yields|Raises|Example):")
ENTRY = re.compile(r"    \*{0,2}(\w+): \S")
NAMED = re.compile(r"(?:as|see|See) `([\w.]+)`")
NOTHING = (None, "None", NoReturn, inspect.Signature.empty)

Sections = Mapping[str, set[str]]
"""{heading: the names that stand under it}."""


@dataclass(frozen=True)
class Name:
    """A name of the public API.

    Attributes:
        path: Where it is found, such as "advnets.Model.sample".
        thing: A class, a function, or a property.
        owner: The class that it is a member of, or None.
    """

    path: str
    thing: Any
    owner: type | None = None


def resolve(path: str) -> Any:
    """The module, class or function of a dotted path."""
    try:
        return import_module(path)
    except ModuleNotFoundError:
        home, _, word = path.rpartition(".")
        return getattr(resolve(home), word)


def list_members(name: Name) -> Iterator[Name]:
    """A function alone; a class with its public methods and properties; nothing of anything else.

    A function that is the default of a field is no method: the class says under Attributes what the field is.
    """
    if isinstance(name.thing, FunctionType | type):
        yield name
    fields = getattr(name.thing, "__dataclass_fields__", {})
    for word, found in vars(name.thing).items() if isinstance(name.thing, type) else ():
        thing = found.__func__ if isinstance(found, staticmethod | classmethod) else found
        if (
            not word.startswith("_")
            and word not in fields
            and isinstance(thing, FunctionType | property | cached_property)
        ):
            yield Name(f"{name.path}.{word}", thing, name.thing)


def list_module(module: ModuleType) -> Iterator[Name]:
    """The public classes and functions that a module defines."""
    for word, thing in vars(module).items():
        if not word.startswith("_") and getattr(thing, "__module__", None) == module.__name__:
            yield from list_members(Name(f"{module.__name__}.{word}", thing))


def list_exports() -> Iterator[str]:
    """The paths of what every room and file names in its `__all__`; a file without one exports nothing."""
    for module in pkgutil.walk_packages(advnets.__path__, "advnets."):
        if not module.name.endswith("__main__"):
            yield from (f"{module.name}.{word}" for word in getattr(import_module(module.name), "__all__", ()))


def list_public() -> list[Name]:
    """Every name of the API once, under the first of its paths."""
    found: dict[int, Name] = {}
    for path in (*SHOWN.findall(PAGE.read_text()), *(f"advnets.{word}" for word in NAMES)):
        thing = resolve(path)
        for name in list_module(thing) if isinstance(thing, ModuleType) else list_members(Name(path, thing)):
            found.setdefault(id(name.thing), name)
    for path in list_exports():
        for name in list_members(Name(path, resolve(path))):
            found.setdefault(id(name.thing), name)
    return list(found.values())


PUBLIC = list_public()


def docstring_of(thing: Any) -> str:
    """The docstring of the thing itself; none is taken from a base class."""
    return inspect.cleandoc(thing.__doc__ or "")


def read_sections(text: str) -> dict[str, set[str]]:
    """The sections of a docstring; where a heading has prose under it, no name stands there."""
    sections: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in text.splitlines():
        if heading := HEADING.fullmatch(line):
            names = sections.setdefault(heading[1], set())
        elif entry := ENTRY.match(line):
            names.add(entry[1])
    return sections


def list_parameters(thing: Any) -> list[str]:
    """The parameters that a caller gives; nobody calls a Protocol, and a dict or an error may have no signature."""
    if getattr(thing, "_is_protocol", False):
        return []
    if isinstance(thing, type) and issubclass(thing, dict | BaseException) and not constructors_of(thing):
        return []
    return [name for name in inspect.signature(thing).parameters if name not in ("self", "cls")]


def has_raise(function: Any) -> bool:
    """Whether a raise statement stands in the function's own body, not in that of an inner function."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    waiting = list(ast.iter_child_nodes(definition))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Raise):
            return True
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False


def constructors_of(kind: type) -> list[FunctionType]:
    """What is written in a class to build its instances; the methods that dataclasses and protocols make are not."""
    found = (vars(kind).get(word) for word in ("__init__", "__post_init__"))
    written = [method for method in found if isinstance(method, FunctionType)]
    return [method for method in written if method.__code__.co_filename == inspect.getsourcefile(kind)]


def wanted_headings(thing: Any) -> list[str]:
    """The headings that a function or a class needs beside Args."""
    if isinstance(thing, type):
        return ["Raises"] if any(map(has_raise, constructors_of(thing))) else []
    wanted = [] if inspect.signature(thing).return_annotation in NOTHING else ["Returns"]
    return [*wanted, "Raises"] if has_raise(thing) else wanted


def list_faults(thing: Any, inherited: Sections | None = None) -> list[str]:
    """What a docstring lacks, beside the sections that it inherits, and what it names that is no parameter."""
    text = docstring_of(thing)
    faults = [] if text.partition("\n\n")[0].endswith((".", ":", "?")) else ["a first sentence"]
    if isinstance(thing, property | cached_property):
        return faults
    own, parameters = read_sections(text), list_parameters(thing)
    stale = [name for name in sorted(own.get("Args", ())) if name not in parameters]
    sections = {**(inherited or {}), **own}
    places = ("Args", "Attributes") if isinstance(thing, type) else ("Args",)
    named = set().union(*(one.get(place, ()) for one in (own, inherited or {}) for place in places))
    faults += [f"no parameter is called {name}" for name in stale]
    faults += [f"Args: {name}" for name in parameters if name not in named]
    present = {"Returns" if heading == "Yields" else heading for heading in sections}
    return faults + [f"{heading}:" for heading in wanted_headings(thing) if heading not in present]


def list_implemented(name: Name) -> Iterator[Any]:
    """The methods of the package's own base classes that a method implements."""
    for base in () if name.owner is None else name.owner.__mro__[1:]:
        method = vars(base).get(name.path.rpartition(".")[2])
        if isinstance(method, FunctionType) and method.__module__.startswith("advnets."):
            yield method


def list_named(name: Name) -> Iterator[Any]:
    """The functions and methods of the API that a docstring names before its sections."""
    home = name.path.rpartition(".")[0]
    text = re.split(rf"^{HEADING.pattern}$", docstring_of(name.thing), maxsplit=1, flags=re.MULTILINE)[0]
    for reference in NAMED.findall(" ".join(text.split())):
        path = reference if "." in reference else f"{home}.{reference}"
        yield from (one.thing for one in PUBLIC if f".{one.path}".endswith(f".{path}"))


def inherited_attributes(base: type) -> set[str]:
    """The fields that a dataclass of the package declares itself and says what they are."""
    if not base.__module__.startswith("advnets.") or not is_dataclass(base):
        return set()
    return read_sections(docstring_of(base)).get("Attributes", set()) & set(inspect.get_annotations(base))


def inherited_sections(name: Name) -> dict[str, set[str]]:
    """What a name need not say again; what another method returns counts only if both are annotated alike."""
    if isinstance(name.thing, type):
        return {"Attributes": set().union(*map(inherited_attributes, name.thing.__mro__[1:]))}
    sections: dict[str, set[str]] = {}
    for other in (*list_implemented(name), *list_named(name)) if isinstance(name.thing, FunctionType) else ():
        if not isinstance(other, FunctionType) or list_faults(other):
            continue
        returned = (inspect.signature(one).return_annotation for one in (name.thing, other))
        unlike = {"Returns", "Yields"} if len({str(one) for one in returned}) > 1 else set()
        for heading, names in read_sections(docstring_of(other)).items():
            if heading not in unlike:
                sections.setdefault(heading, set()).update(names)
    return sections


def test_the_public_api_is_found() -> None:
    paths = {name.path for name in PUBLIC}
    assert {"advnets.train", "advnets.Model.sample", "advnets.metrics.frechet.frechet", "advnets.Maxout"} <= paths
    written = [name.thing for name in PUBLIC if isinstance(name.thing, FunctionType | type)]
    assert {thing.__module__.partition(".")[0] for thing in written} == {"advnets"}


@pytest.mark.parametrize("name", PUBLIC, ids=lambda name: name.path)
def test_a_docstring_is_complete(name: Name) -> None:
    assert list_faults(name.thing, inherited_sections(name)) == []


def test_every_room_and_every_file_is_walked() -> None:
    paths, things = {name.path for name in PUBLIC}, {id(name.thing) for name in PUBLIC}
    assert {
        "advnets.disk.Folder.read",
        "advnets.experiment.Settings.dataset",
        "advnets.web.watch.WatchedFolder",
    } <= paths
    assert id(advnets.disk.Folder.read) in things
    assert id(advnets.experiment.sampling.join_blocks) in things
    assert "advnets.assessment.Context" in paths
    assert "advnets.assessment.Context.load_discriminator" not in paths  # a field, whose default is a function
    exported = list(list_exports())
    assert {path.rpartition(".")[0] for path in exported} >= {
        "advnets.disk",
        "advnets.penalties",
        "advnets.studies.table",
    }
    assert "advnets.disk.Folder" in exported


def halve_without_sections(value: float) -> float:
    """Return half of a value."""
    if value < 0:
        raise ValueError(value)
    return value / 2


def halve_with_a_stale_name(value: float) -> float:
    """Return half of a value.

    Args:
        number: The value, under a name that it had before.

    Returns:
        The half.
    """
    return value / 2


def halve_completely(value: float) -> float:
    """Return half of a value.

    Args:
        value: The value, 0 or more.

    Returns:
        The half.

    Raises:
        ValueError: If the value is below 0.
    """
    if value < 0:
        raise ValueError(value)
    return value / 2


def draw_lines(rows: int = 4, columns: int = 12, seed: int = 0) -> Any:
    """Draw lines between two points of z, as `Model.figure3` does."""
    raise NotImplementedError


def count_lines(rows: int = 4, columns: int = 12, seed: int = 0) -> int:
    """Count lines, as `Model.figure3` does not: it returns something else."""
    return rows


def test_a_missing_section_is_reported() -> None:
    assert list_faults(halve_completely) == []
    assert list_faults(halve_without_sections) == ["Args: value", "Returns:", "Raises:"]
    assert list_faults(halve_with_a_stale_name) == ["no parameter is called number", "Args: value"]


class Lost(ValueError):
    """It is lost, and its signature says what."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


@dataclass(frozen=True)
class OwnPlan(TrainingPlan):
    """A plan with a field that no docstring tells of."""

    depth: int = 1


def test_what_has_no_signature_lists_no_parameters() -> None:
    assert list_parameters(CannotWrite) == list_parameters(EvaluationKeywords) == []
    assert list_parameters(Lost) == ["what"]


def test_a_dataclass_has_the_attributes_of_its_bases_and_not_more() -> None:
    settings, own = (Name(f"advnets.{one.__name__}", one) for one in (Settings, OwnPlan))
    assert "Args: data" in list_faults(settings.thing)
    assert list_faults(settings.thing, inherited_sections(settings)) == []
    assert list_faults(own.thing, inherited_sections(own)) == ["Args: depth"]


def test_another_docstring_stands_in_where_it_is_named() -> None:
    lines, number = (Name(f"advnets.{one.__name__}", one) for one in (draw_lines, count_lines))
    assert list_faults(lines.thing) == ["Args: rows", "Args: columns", "Args: seed", "Returns:", "Raises:"]
    assert list_faults(lines.thing, inherited_sections(lines)) == []
    assert list_faults(number.thing, inherited_sections(number)) == ["Returns:"]
