"""Every word that a spec or a command line may use, with what is declared of it, and what is said to a word of other
frameworks: the tables are read whole, so that no entry goes, comes or changes without a diff to read.

`pytest tests/golden --update-golden` writes the files anew.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import archdsl
from archdsl.analysis.columns import COLUMNS
from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.report import foreign_argument
from archdsl.ops import catalogue, synonyms

HERE = Path(__file__).parent

NETWORK = """\
model m {
  input x: f32[N, 3, T, 16]
  conv(8, 3, padding = same) as first -> bn -> relu
  repeat 2 { recompute { conv(8, 3, stride = [1, 2], padding = 1) -> layer_norm(axes = 1) -> relu } }
  permute([0, 2, 3, 1]) -> linear(4) -> reshape([N, 4*T, 4]) -> lstm(4) -> softmax
  output y
}
"""
"""A row of every kind of figure, with symbols in it."""


def operators(capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """How each is called, and of each argument what it may be."""
    for family, names in catalogue.FAMILIES.items():
        yield f"# {family}"
        for name in names:
            assert main(["ops", name]) == 0
            lines = capsys.readouterr().out.splitlines()
            yield lines[0] if lines[0].startswith(name) else f"{name}: {lines[0]}"
            yield from (line for line in lines[1:4] if line.startswith("  also called"))
            yield f"  {lines[1].rpartition('; ')[2]}"
            if "arguments" in lines:
                rest = lines[lines.index("arguments") + 1 :]
                for line in rest[: rest.index("")] if "" in rest else rest:
                    words = line[2:].split("  ")
                    if words[0]:
                        yield f"  {words[0]}: {next(word.strip() for word in words[1:] if word.strip())}"


def columns(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[str]:
    """Each alone, of one network: its heading, its cells, and what is said below of it alone."""
    spec = tmp_path / "m.arch"
    spec.write_text(NETWORK)
    common: list[str] = []
    for column in COLUMNS:
        assert main(["count", str(spec), "--columns", column.name, "--format", "markdown"]) == 0
        lines = capsys.readouterr().out.splitlines()
        table = [line[2:-2].rpartition(" | ")[2].strip() for line in lines if line.startswith("| ")]
        notes = [line for line in lines if line and not line.startswith("| ")]
        common = common or notes
        yield f"# {column.name} ({column.unit or 'text'})"
        yield f"  {table[0]}: {' | '.join(table[2:])}"
        yield from (f"  {note}" for note in notes if note not in common)


def answers(capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """What is said to each word of other frameworks, `!` where `check --fix` mends it."""
    in_flow = {**synonyms.SYNONYMS, **synonyms.AMBIGUOUS, **synonyms.MEANINGS, **synonyms.TENSOR_FUNCTIONS}
    for name in sorted(in_flow):
        yield answer(name, f"model m {{\n  input x: f32[N, 3, 8, 8]\n  {name}\n  output y\n}}\n")
    for word in (*(f"{name}(0, 8)" for name in sorted(synonyms.FUNCTIONS)), *sorted(synonyms.VALUES)):
        yield answer(word, f"model m {{\n  input x: f32[N, 3, 8, 8]\n  let a = {word}\n  conv(a)\n  output y\n}}\n")
    for name in sorted(synonyms.DTYPES):
        yield answer(name, f"model m {{\n  input x: {name}[N, 3, 8, 8]\n  relu\n  output y\n}}\n")
    for name in sorted({*synonyms.ARGUMENTS, *synonyms.READ_OFF, *synonyms.LEFT_OUT}):
        for ours in synonyms.ARGUMENTS.get(name, ("",)):
            yield f"{name} = ...: {foreign_argument(name, (ours,))}"


def answer(name: str, text: str) -> str:
    with pytest.raises(ArchError) as caught:
        archdsl.load(text)
    found = caught.value.diagnostics[0]
    return f"{name}{'!' if found.edits else ''}: {found.code} {found.help}"


FILES: dict[str, Callable[..., Iterator[str]]] = {
    "operators.txt": operators,
    "columns.txt": columns,
    "foreign.txt": answers,
}


@pytest.mark.parametrize("name", FILES)
def test_the_vocabulary_is_the_golden_file(
    name: str, update_golden: bool, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines = FILES[name](capsys, tmp_path) if name == "columns.txt" else FILES[name](capsys)
    found = "".join(f"{line}\n" for line in lines)
    path = HERE / name
    if update_golden:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")
