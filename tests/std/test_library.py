"""The library as a whole: the index is current, and every block says what it is and where it comes from."""

import re

import pytest

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.ir.flatten import weights
from archdsl.limits import Limits
from archdsl.ops import catalogue
from archdsl.source import Source
from archdsl.std import INDEX, stems, text
from archdsl.syntax import ast
from archdsl.syntax.parser import parse

HELPERS = {"transform_gate"}
"""Blocks that only their own file calls: reachable by `use`, not by name alone."""


def blocks(stem: str) -> dict[str, ast.Block]:
    sink = Sink()
    tree = parse(Source(f"{stem}.arch", text(stem)), sink, Limits())
    assert tree is not None and not sink.found
    kinds = (ast.Block, ast.Let, ast.Default, ast.Use)
    assert all(isinstance(item, kinds) for item in tree.items), "a standard file holds blocks and what they need"
    return {item.name.id: item for item in tree.items if isinstance(item, ast.Block)}


def test_the_index_names_every_block_once_in_the_order_of_the_files() -> None:
    from pathlib import Path

    import archdsl.std

    files = {path.stem for path in Path(archdsl.std.__file__).parent.glob("*.arch")}
    assert set(stems()) == files
    found = [(name, stem) for stem in stems() for name in blocks(stem) if name not in HELPERS]
    assert found == list(INDEX.items())


def test_no_block_has_the_name_of_an_operator() -> None:
    assert not INDEX.keys() & set(catalogue.names())


@pytest.mark.parametrize("name", INDEX)
def test_a_block_is_documented(name: str) -> None:
    block = blocks(INDEX[name])[name]
    assert block.doc.rstrip().endswith((".", ")", "parameters."))
    assert len(block.doc) > 30


@pytest.mark.parametrize("stem", stems())
def test_a_file_names_the_papers_it_is_from(stem: str) -> None:
    assert re.search(r"\(.*(19|20)\d\d.*\)", text(stem))


def test_the_constants_defaults_and_imports_of_a_standard_file_hold_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "first": "let width = 7\nblock plain() { conv(width, 1) }\n"
        "default conv(!bias)\nblock bare() { conv(width, 1) }\n",
        "second": "use std.first (bare as inner, width)\nblock outer() { inner -> conv(width + 1, 1) }\n",
    }
    monkeypatch.setattr("archdsl.elaborate.resolve.text", files.__getitem__)
    monkeypatch.setattr("archdsl.elaborate.resolve.INDEX", {"plain": "first", "bare": "first", "outer": "second"})
    sink = Sink()
    text = "model m { input x: f32[N, 3, 4, 4]; plain -> bare -> outer; output y }"
    module = load_text(text, sink, Limits())
    assert module is not None
    program = elaborate(module, "m", {}, {}, sink, Limits())
    assert not sink.found and program is not None
    assert [(path, weight.shape) for path, weight in weights(program, Limits())] == [
        ("plain.conv.weight", (7, 3, 1, 1)),
        ("plain.conv.bias", (7,)),
        ("bare.conv.weight", (7, 7, 1, 1)),
        ("outer.bare.conv.weight", (7, 7, 1, 1)),
        ("outer.conv.weight", (8, 7, 1, 1)),
        ("outer.conv.bias", (8,)),
    ]
