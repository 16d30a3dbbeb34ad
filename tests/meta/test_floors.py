"""Imports only go down, and only the backends import frameworks."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

import archdsl

ROOT = Path(archdsl.__file__).parent

FLOORS = {
    "archdsl": 6,
    "archdsl.__main__": 6,
    "archdsl.records": 0,
    "archdsl.internal": 0,
    "archdsl.source": 0,
    "archdsl.limits": 0,
    "archdsl.zoo": 0,
    "archdsl.files": 0,
    "archdsl.seeds": 0,
    "archdsl.version": 0,
    "archdsl.diagnostics": 0,
    "archdsl.extras": 0,
    "archdsl.syntax": 1,
    "archdsl.types": 1,
    "archdsl.ir": 2,
    "archdsl.ops": 3,
    "archdsl.std": 3,
    "archdsl.elaborate": 4,
    "archdsl.analysis": 4,
    "archdsl.spec_tests": 5,
    "archdsl.backends": 5,
    "archdsl.weights": 5,
    "archdsl.runtime": 5,
    "archdsl.checked_session": 5,
    "archdsl.feeds": 5,
    "archdsl.readers": 5,
    "archdsl.footprint": 5,
    "archdsl.verify": 5,
    "archdsl.families": 5,
    "archdsl.api": 6,
    "archdsl.project": 6,
    "archdsl.cli": 6,
}
"""Floor of every package and top-level module, as in ARCHITECTURE.md."""

NEVER = {
    "archdsl.ir": ["archdsl.syntax"],
    "archdsl.ops": ["archdsl.syntax"],
    "archdsl.syntax": ["archdsl.types"],
    "archdsl.types": ["archdsl.syntax"],
}
"""Neighbours that must not meet, besides the back ends."""

FRAMEWORKS = {"torch", "onnx", "onnxruntime", "numpy", "safetensors", "sympy", "rich", "click", "PIL"}


def modules() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ["archdsl", *path.relative_to(ROOT).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path.read_text(encoding="utf-8")
    return found


def home(module: str) -> str:
    """The entry of `FLOORS` that a module belongs to."""
    parts = module.split(".")
    name = ".".join(parts[:2])
    if name not in FLOORS:
        raise AssertionError(f"{name} has no floor: add it to FLOORS and ARCHITECTURE.md")
    return name


def imports(text: str) -> list[tuple[str, bool]]:
    """Every module a text imports, at any depth, and whether only a type checker does."""
    found: list[tuple[str, bool]] = []
    tree = ast.parse(text)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.extend((alias.name, id(node) in typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            # `from archdsl import zoo` imports a module, `from archdsl import load` what the package itself offers.
            inner = [name if node.module != "archdsl" or name in FLOORS else "archdsl" for name in names]
            outer = [] if node.module == "archdsl" else [node.module]
            found.extend((name, id(node) in typing_only) for name in [*outer, *inner])
    return found


def backend(module: str) -> str | None:
    """The back end that a module is of."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["archdsl", "backends"] and len(parts) > 2 else None


def violations(texts: dict[str, str]) -> list[str]:
    found: list[str] = []
    for module, text in texts.items():
        here = home(module)
        for imported, typing_only in imports(text):
            top = imported.split(".")[0]
            if top in FRAMEWORKS and not typing_only and FLOORS[here] != 5:
                found.append(f"{module} imports {imported}")
            if top != "archdsl":
                continue
            there = home(imported)
            # Within one floor anything may meet that `NEVER` does not keep apart.
            if FLOORS[there] > FLOORS[here] and not typing_only:
                found.append(f"{module} (floor {FLOORS[here]}) imports {imported} (floor {FLOORS[there]})")
            if backend(module) and backend(imported) and backend(module) != backend(imported):
                found.append(f"{module} imports {imported}: back ends never meet")
            for neighbour, banned in NEVER.items():
                inside = module == neighbour or module.startswith(f"{neighbour}.")
                if inside and any(imported == name or imported.startswith(f"{name}.") for name in banned):
                    found.append(f"{module} imports {imported}, which it must never meet")
    return sorted(set(found))


def test_imports_only_go_down() -> None:
    assert violations(modules()) == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("archdsl.source", "from archdsl.ir.program import Op"),
        ("archdsl.ops.conv", "def f():\n    from archdsl.elaborate import loader"),
        ("archdsl.ir.program", "import archdsl.syntax.ast"),
        ("archdsl.ir.program", "from archdsl.syntax import ast"),
        ("archdsl.backends.torch.emit", "from archdsl.backends.onnx import export"),
        ("archdsl.backends.novel.emit", "from archdsl.backends import onnx"),
        ("archdsl.analysis.cost", "import numpy"),
        ("archdsl.cli.run_command", "import torch.nn"),
        ("archdsl.types.dims", "from archdsl.api import load"),
        ("archdsl.backends.onnx.export", "import archdsl"),
        ("archdsl.backends.onnx.export", "from archdsl import load"),
    ],
)
def test_a_planted_violation_is_found(module: str, text: str) -> None:
    assert violations({module: text})


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("archdsl.backends.onnx.export", "import numpy\nfrom archdsl.ir.program import Op"),
        ("archdsl.ir.operator", "if TYPE_CHECKING:\n    import torch\n    from archdsl.ops import conv"),
        ("archdsl.elaborate.loader", "from archdsl.ops.catalogue import lookup"),
        ("archdsl.elaborate.loader", "from archdsl import zoo"),
    ],
)
def test_what_goes_down_is_no_violation(module: str, text: str) -> None:
    assert violations({module: text}) == []


CIRCLES = [{"archdsl.elaborate." + name for name in ("calls", "items", "resolve")}]
"""Modules that know one another, if only inside a function or for their types; there are to be none."""


def circles(texts: dict[str, str]) -> list[set[str]]:
    """The largest sets of modules of which each is reached from every other, imports inside functions included."""
    # What a package's own file hands on is no knowledge of that file.
    after = {module: {name for name, _ in imports(text) if name in texts} - {module} for module, text in texts.items()}
    reached: dict[str, set[str]] = {}
    for module in texts:
        found: set[str] = set()
        pending = [module]
        while pending:
            for name in after[pending.pop()] - found:
                found.add(name)
                pending.append(name)
        reached[module] = found
    together = {frozenset(n for n in reached[m] if m in reached[n]) for m in texts if m in reached[m]}
    return [set(names) for names in together]


def test_no_modules_know_one_another_but_those_that_are_known_to() -> None:
    assert circles(modules()) == CIRCLES  # a circle that is gone leaves the list


def test_a_circle_is_found_wherever_its_imports_stand() -> None:
    first = "from archdsl.types import b"
    second = "def f():\n    from archdsl.types.c import x"
    third = "if TYPE_CHECKING:\n    import archdsl.types.a"
    texts = {"archdsl.types.a": first, "archdsl.types.b": second, "archdsl.types.c": third, "archdsl.types.d": first}
    assert circles(texts) == [{"archdsl.types.a", "archdsl.types.b", "archdsl.types.c"}]


def test_the_architecture_page_has_every_package_on_its_floor() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| (.+?) \|", page, re.MULTILINE)
    written = {
        f"archdsl.{name.removesuffix('.py').split('/')[0]}": int(floor)
        for floor, names in rows
        for name in re.findall(r"`([^`]+)`", names)
    }
    assert written == {name: floor for name, floor in FLOORS.items() if name not in ("archdsl", "archdsl.__main__")}


DRAWN_FLOOR = re.compile(r"^  subgraph F(\d)\[.*?\n(.*?)^  end", re.MULTILINE | re.DOTALL)
DRAWN_ROOM = re.compile(r'^    (\w+)\["(.+?)"\]', re.MULTILINE)
DRAWN_ARROWS = re.compile(r"^  (\w+) --> (.+)$", re.MULTILINE)


def rooms(page: str) -> dict[str, str]:
    """The room of the drawing that each module or package stands in, by its full name."""
    return {
        f"archdsl.{name.removesuffix('.py').strip('/').replace('/', '.')}": room
        for _, inside in DRAWN_FLOOR.findall(page)
        for room, names in DRAWN_ROOM.findall(inside)
        for name in names.split(", ")
    }


def room(module: str, rooms: dict[str, str]) -> str | None:
    parts = module.split(".")
    return next((rooms[name] for k in (3, 2) if (name := ".".join(parts[:k])) in rooms), None)


def arrows(texts: dict[str, str], rooms: dict[str, str]) -> set[tuple[str, str]]:
    """The imports between rooms of the drawing, without those that follow from others."""

    after: dict[str, set[str]] = {}
    for module, text in texts.items():
        here = room(module, rooms)
        for imported, _ in imports(text):
            there = room(imported, rooms)
            if here and there and here != there:
                after.setdefault(here, set()).add(there)

    def reached(start: str, without: tuple[str, str]) -> set[str]:
        found: set[str] = set()
        pending = [start]
        while pending:
            place = pending.pop()
            for other in after.get(place, set()) - found:
                if (place, other) != without:
                    found.add(other)
                    pending.append(other)
        return found

    return {(a, b) for a, others in after.items() for b in others if b not in reached(a, (a, b))}


def test_the_drawing_has_every_package_on_its_floor() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = {
        f"archdsl.{name.removesuffix('.py').split('/')[0]}": int(floor)
        for floor, inside in DRAWN_FLOOR.findall(page)
        for _, names in DRAWN_ROOM.findall(inside)
        for name in names.split(", ")
    }
    assert drawn == {name: floor for name, floor in FLOORS.items() if name not in ("archdsl", "archdsl.__main__")}
    outside = [module for module in modules() if not room(module, rooms(page))]
    assert outside == ["archdsl", "archdsl.__main__", "archdsl.backends"]


def test_the_arrows_of_the_drawing_are_the_imports() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = {(a, b) for a, ends in DRAWN_ARROWS.findall(page) for b in ends.split(" & ")}
    assert arrows(modules(), rooms(page)) == drawn
    texts = {"archdsl.ir.a": "import archdsl.types.b", "archdsl.cli.a": "import archdsl.types.b, archdsl.ir.a"}
    assert arrows(texts, rooms(page)) == {("ir", "types"), ("cli", "ir")}  # what follows is left out


ALIKE = {"ops", "diagnostics/codes"}
"""Folders with a file for each family and for each area of codes."""


def unnamed(folder: str, files: list[str], docstring: str) -> list[str]:
    """Modules that the docstring of their package does not name, and names of modules that are not there."""
    named = re.findall(r"`([\w*]+\.py)`", docstring)
    missing = [file for file in files if folder not in ALIKE and not any(fnmatch(file, name) for name in named)]
    return missing + [name for name in named if not any(fnmatch(file, name) for file in files)]


@pytest.mark.parametrize(
    "package", sorted(path.parent for path in ROOT.rglob("*.py") if path.name == "__init__.py")[1:]
)
def test_the_docstring_of_a_package_names_its_modules(package: Path) -> None:
    folder = package.relative_to(ROOT).as_posix()
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    files = [path.name for path in package.glob("*.py") if path.name != "__init__.py"]
    assert docstring, "every package says what it is"
    assert unnamed(folder, files, docstring) == []
    assert unnamed("types", [*files, "novelty.py"], docstring)[-1:] == ["novelty.py"]
    assert unnamed(folder, [], docstring) == re.findall(r"`([\w*]+\.py)`", docstring)


def test_a_package_without_a_floor_is_refused() -> None:
    with pytest.raises(AssertionError, match="has no floor"):
        violations({"archdsl.novelty.thing": ""})
