"""The shipped table is the grammar's, and the driver reads it as Lark would."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archdsl.diagnostics.model import Sink
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.syntax import parse_table
from archdsl.syntax.actions import Actions
from archdsl.syntax.driver import tables
from archdsl.syntax.lexer import tokenize
from archdsl.syntax.reporter import SyntaxReporter
from archdsl.syntax.tokens import KEYWORDS

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.arch"))


@pytest.fixture(scope="module")
def lark() -> Any:
    return parse_table.build_lark()


def test_grammar_has_no_conflict(lark: Any):
    # `strict` makes Lark raise on what it would otherwise settle silently.
    assert lark.options.strict and lark.options.parser == "lalr"


def test_conflict_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = tmp_path / "grammar.lark"
    text = parse_table.GRAMMAR.read_text().replace("repeat: ", 'repeat: "repeat" expr body | ', 1)
    broken.write_text(text.replace("?choice: sum", "?choice: sum | NAME"))
    monkeypatch.setattr(parse_table, "GRAMMAR", broken)
    with pytest.raises(Exception, match=r"onflict|ollision|defined more"):
        parse_table.build_lark()


def test_shipped_table_is_current():
    assert parse_table.TABLE.read_bytes() == parse_table.build(), "run python -m archdsl.syntax.parse_table"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_table_is_the_same_for_every_hash_seed(seed: str):
    environment = os.environ | {"PYTHONHASHSEED": seed}
    command = [sys.executable, "-m", "archdsl.syntax.parse_table", "--check"]
    assert subprocess.run(command, env=environment).returncode == 0


def test_table_is_plain_data():
    data = json.loads(parse_table.TABLE.read_bytes())
    assert set(data) == {"rules", "actions", "gotos"}


def test_every_rule_has_its_function():
    missing = [n for n in tables().makers if n.isidentifier() and not hasattr(Actions, "make_" + n)]
    assert missing == []


def test_every_function_has_its_rule():
    made = {name.removeprefix("make_") for name in dir(Actions) if name.startswith("make_")}
    assert made - set(tables().makers) == set()


def test_keywords_are_those_of_the_grammar():
    kinds = {kind for row in tables().actions for kind in row}
    assert {kind for kind in kinds if kind.isalpha() and kind.islower()} == set(KEYWORDS)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_lark_accepts_what_the_driver_accepts(lark: Any, path: Path):
    """Lark's own parser, fed the same tokens, is the oracle."""
    from lark import Token

    names = {kind: name for name, kind in parse_table.terminal_kinds(lark).items()} | {"SEP": "_SEP"}
    source = Source(path.name, path.read_text())
    tokens = tokenize(SyntaxReporter(source, Sink(), Limits()))
    machine = lark.parse_interactive("")
    for kind in tokens.kinds:
        machine.feed_token(Token(names.get(kind, kind), kind))


def test_parsing_imports_no_lark():
    code = "import sys, archdsl.syntax.parser as p; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
