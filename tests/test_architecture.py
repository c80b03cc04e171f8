"""The diagram of the design, held true by walking the imports: who may know whom, who loads what, what is long."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "eyechart"

# From the ground up: a file imports only what stands below its own floor, or in its own room.
FLOORS = (
    ("schema",),
    ("base",),
    ("scoring",),
    ("files",),
    ("words",),
    ("catalog",),
    ("data", "models", "weights", "training", "evaluation", "comparison"),  # the stages, which never meet
    ("report", "tracking"),  # draw what comparison found; hand runs to other tools
    ("inference",),
    ("insight",),
    ("runner",),
    ("launch",),
    ("terminal",),
    ("study",),
    ("export",),
    ("tuning", "contexts", "serve"),
    ("web",),  # the same page without a server
    ("cli",),
    ("",),  # the package itself: what `import eyechart` offers
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

TORCH = ("torch", "torchvision")
HEAVY = (*TORCH, "sklearn", "scipy", "matplotlib", "pydantic", "numpy")

# (place, packages, when): "ever" looks into functions too, "at its top" at the file's own imports when it is loaded,
# "when loaded" also at everything of ours that these load in turn.
NEVER_LOADS = [
    ("schema/", TORCH, "ever"),
    ("schema/contracts.py", TORCH, "ever"),
    ("base/errors.py", TORCH, "ever"),
    ("files/storage.py", TORCH, "ever"),
    ("catalog/palette.py", TORCH, "ever"),
    ("report/", TORCH, "ever"),
    ("tracking/", TORCH, "ever"),
    ("comparison/", TORCH, "ever"),
    ("scoring/", TORCH, "ever"),
    ("words/", TORCH, "ever"),
    ("files/storage.py", TORCH, "when loaded"),
    ("report/", TORCH, "when loaded"),
    ("base/clock.py", TORCH, "when loaded"),
    ("base/host.py", TORCH, "when loaded"),
    ("terminal/", TORCH, "when loaded"),
    ("cli/", TORCH, "when loaded"),
    ("inference/panel.py", TORCH, "when loaded"),  # an exported file is asked where there is no torch
    ("inference/onnx_file.py", TORCH, "ever"),
    ("cli/", HEAVY, "at its top"),
    ("cli/__init__.py", HEAVY, "when loaded"),
]

MAX_FILE_LINES = 350
MAX_MODEL_LINES = 250
MAX_FUNCTION_LINES = 50


# --------------------------------------------------------------------------------------------- reading the code


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def statements(node: ast.AST, *, lazily: bool) -> Iterator[ast.AST]:
    """All nodes below that run: what is imported for types only is left out, and function bodies unless `lazily`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not lazily:
            continue
        if is_type_checking(child):
            assert isinstance(child, ast.If)
            for other in child.orelse:
                yield other
                yield from statements(other, lazily=lazily)
            continue
        yield child
        yield from statements(child, lazily=lazily)


def files_at(place: str) -> list[Path]:
    """The files of a folder ("cli/"), or one file."""
    return [
        path for path in sources() if name_of(path) == place or (place[-1] == "/" and name_of(path).startswith(place))
    ]


def imported_modules(code: str, module: str, *, lazily: bool) -> set[str]:
    """Full dotted names that `code`, which is the module `module`, imports; "from a import b" gives a and a.b."""
    names: set[str] = set()
    for node in statements(ast.parse(code), lazily=lazily):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*parents, *([node.module] if node.module else [])])
            names |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    return names


def imports_of(path: Path, *, lazily: bool) -> set[str]:
    module = ".".join(["eyechart", *path.relative_to(PACKAGE).with_suffix("").parts])
    return imported_modules(path.read_text(), module, lazily=lazily)


def transitive_imports(path: Path, seen: set[Path] | None = None) -> Iterator[tuple[str, str]]:
    """(file, module) for everything that loads when `path` is imported, following our own modules."""
    seen = set() if seen is None else seen
    seen.add(path)
    for module in sorted(imports_of(path, lazily=False)):
        yield name_of(path), module
        for file in files_of(module):
            if file not in seen:
                yield from transitive_imports(file, seen)


def files_of(module: str) -> list[Path]:
    """The files that run when our `module` is imported: its own, and the __init__ of each package above it."""
    if module.partition(".")[0] != "eyechart":
        return []
    parts = module.split(".")[1:]
    folders = [PACKAGE.joinpath(*parts[:depth]) / "__init__.py" for depth in range(len(parts) + 1)]
    own = PACKAGE.joinpath(*parts).with_suffix(".py") if parts else PACKAGE / "__init__.py"
    return [file for file in dict.fromkeys([*folders, own]) if file.is_file()]


# --------------------------------------------------------------------------------------------- the checks check


def test_the_walker_sees_every_kind_of_import():
    code = """
import torch.nn as nn
from eyechart.data import splits
from ..models.cnn import build
from . import metrics
if TYPE_CHECKING:
    import scipy
else:
    import numpy
try:
    import h5py
except ImportError:
    pass
class Late:
    import json
    def method(self):
        import sklearn
"""
    top = imported_modules(code, "eyechart.evaluation.predict", lazily=False)
    assert {"torch.nn", "eyechart.data", "eyechart.data.splits", "numpy", "h5py", "json"} <= top
    assert {"eyechart.models.cnn", "eyechart.evaluation.metrics"} <= top
    assert not {"scipy", "sklearn"} & top
    assert "sklearn" in imported_modules(code, "eyechart.evaluation.predict", lazily=True)
    assert room_of("eyechart.data.splits") == "data"
    assert room_of("eyechart.run") == room_of("eyechart") == ""


# --------------------------------------------------------------------------------------------- direction


def room_of(module: str) -> str:
    """The folder of one of our modules, "" for the package's own files: "eyechart.data.splits" -> "data"."""
    second = module.split(".")[1:2]
    return second[0] if second and (PACKAGE / second[0]).is_dir() else ""


def rooms_below(path: Path) -> set[str]:
    """The other rooms that a file imports from, for types only too."""
    module = ".".join(["eyechart", *path.relative_to(PACKAGE).with_suffix("").parts])
    ours = {name for name in named_modules(path.read_text()) if name.startswith("eyechart.")}
    return {room_of(name) for name in ours} - {room_of(module)}


def named_modules(code: str) -> set[str]:
    """All modules that imports of `code` name, wherever they stand; ours are imported by full names only."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports inside the package are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_room_has_its_floor():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms == set(FLOOR_OF) - {""}


@pytest.mark.parametrize("room", sorted(FLOOR_OF))
def test_a_room_imports_only_from_floors_below(room: str):
    files = sorted((PACKAGE / room).rglob("*.py")) if room else sorted(PACKAGE.glob("*.py"))
    offences = [
        f"{name_of(path)} imports {other or 'the package itself'}"
        for path in files
        for other in sorted(rooms_below(path))
        if FLOOR_OF[other] >= FLOOR_OF[room]
    ]
    assert files
    assert not offences, f"a file knows what stands below it, and no more: {offences}"


@pytest.mark.parametrize("room", sorted(FLOOR_OF))
def test_modules_of_one_room_import_each_other_in_no_circle(room: str):
    """Type-only imports included."""
    files = {path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."): path for path in sources()}
    inside = {name: path for name, path in files.items() if (name.split(".")[0] if "." in name else "") == room}
    graph = {
        name: {
            module for found in named_modules(path.read_text()) if (module := owner(found, inside)) not in ("", name)
        }
        for name, path in inside.items()
    }
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def owner(found: str, modules: Mapping[str, Path]) -> str:
    """Which of `modules` a dotted name of an import belongs to, "" for none."""
    name = found.removeprefix("eyechart.")
    return next((each for each in (name, name.rpartition(".")[0]) if each in modules), "")


@pytest.mark.parametrize(("place", "packages", "when"), NEVER_LOADS, ids=lambda value: str(value)[:20])
def test_what_only_reads_runs_loads_nothing_heavy(place: str, packages: tuple[str, ...], when: str):
    offences = []
    for path in files_at(place):
        if when == "when loaded":
            loaded = set(transitive_imports(path))
        else:
            loaded = {(name_of(path), module) for module in imports_of(path, lazily=when == "ever")}
        for file, module in sorted(loaded):
            if module.partition(".")[0] in packages:
                offences.append(f"{name_of(path)} loads {module}" + ("" if file == name_of(path) else f" by {file}"))
    assert not offences, f"move these imports into the function that needs them: {offences}"


def test_records_and_storage_load_without_torch():
    """What the interpreter really loads, packages of others included."""
    names = ("schema", "schema.contracts", "files.storage", "catalog.palette", "base.host")
    code = "import " + ", ".join(f"eyechart.{name}" for name in names)
    command = [sys.executable, "-X", "importtime", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if line.startswith("import time:")}
    assert "eyechart.files.storage" in loaded
    assert not {module for module in loaded if module.partition(".")[0] in TORCH}


# --------------------------------------------------------------------------------------------- size


def test_no_file_is_long():
    long = []
    for path in sources():
        limit = MAX_MODEL_LINES if name_of(path).startswith("models/") else MAX_FILE_LINES
        num_lines = len(path.read_text().splitlines())
        long += [f"{name_of(path)}: {num_lines} lines, at most {limit}"] if num_lines > limit else []
    assert not long, f"split these files by idea: {long}"


def test_no_function_is_long():
    long = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                num_lines = (node.end_lineno or node.lineno) - node.lineno + 1
                long += (
                    [f"{name_of(path)}: {node.name} has {num_lines} lines"] if num_lines > MAX_FUNCTION_LINES else []
                )
    assert not long, f"functions have at most {MAX_FUNCTION_LINES} lines; name the parts of these: {long}"


def test_no_file_is_a_drawer():
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    assert not [name_of(path) for path in sources() if path.name in drawers], "name the idea"
