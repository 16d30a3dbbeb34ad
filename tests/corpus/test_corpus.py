"""The corpus: `.arch` programs that say themselves what is wrong with them, where, and in which words.

What is printed about them, labels and helps included, is in `worded/` word for word, followed by what `check --fix`
makes of a program that it mends. `pytest tests/corpus --update-golden` writes these files anew; read the diff.
"""

import random
import re
from functools import cache
from pathlib import Path

import pytest

from archdsl.cli.mending import mend
from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.claims import check_tests
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.names import check_names
from archdsl.ir.verifier import verify
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.spec_tests import run_tests

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.arch"))
MARK = re.compile(r"### (E\d{4}|W\d{4}) ?([^#\n]*)")


@cache
def programs() -> tuple[tuple[str, str], ...]:
    """Every program with a name that tells its file and first line."""
    found: list[tuple[str, str]] = []
    for path in FILES:
        line = 1
        for text in path.read_text().split("\n---\n"):
            found.append((f"{path.stem}:{line}", text))
            line += text.count("\n") + 2
    return tuple(found)


def expected(text: str) -> list[tuple[int, str, str]]:
    return [
        (number, code, message.strip())
        for number, line in enumerate(text.split("\n"), 1)
        for code, message in MARK.findall(line)
    ]


def unmarked(text: str) -> str:
    return re.sub(r" *###.*", "", text)


def diagnose(text: str) -> list[Diagnostic]:
    return list(diagnosed(text))


@cache
def diagnosed(text: str) -> tuple[Diagnostic, ...]:
    """Several tests look at the same programs."""
    sink, limits = Sink(), Limits()
    module = load_text(text, sink, limits, root=str(HERE))
    if module is not None:
        for name in module.models:
            program = elaborate(module, name, {}, {}, sink, limits)
            assert program is None or verify(program) == []
        check_names(module, sink, limits)
        check_tests(module, sink, limits)
        run_tests(module, sink, limits)
    return tuple(sink.found)


@pytest.mark.parametrize(("name", "text"), programs(), ids=[name for name, _ in programs()])
def test_a_program_gets_exactly_the_diagnostics_written_on_its_lines(name: str, text: str) -> None:
    wanted = expected(text)
    found = diagnose(unmarked(text))
    shown = "\n".join(f"{d.span!r} {d.code} {d.message}" for d in found)
    places = sorted((d.span.line if d.span else 0, d.code) for d in found)
    assert places == sorted((line, code) for line, code, _ in wanted), shown
    for line, code, message in wanted:
        assert any(
            d.code == code and d.span is not None and d.span.line == line and message in d.message for d in found
        ), f"line {line}: no {code} that says {message!r}\n{shown}"


def worded(path: Path) -> str:
    """What is printed about the programs of a file, each under the line that it starts on."""
    parts: list[str] = []
    for name, text in programs():
        stem, _, line = name.partition(":")
        text = unmarked(text)
        if stem == path.stem and (found := diagnose(text)):
            shown = render_text(found).replace(str(HERE), "tests/corpus")  # wherever the repository lies
            parts.append(f"======== line {line}\n{shown}\n")
            mended, mends = mend(Source("<string>", text), Limits())
            if mends:
                parts.append(f"-------- mended\n{mended.strip()}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_labels_helps_and_mends_are_those_that_were_read(path: Path, update_golden: bool) -> None:
    file = HERE / "worded" / f"{path.stem}.txt"
    if update_golden:
        file.parent.mkdir(exist_ok=True)
        file.write_text(worded(path), encoding="utf-8")
    assert file.is_file(), "run with --update-golden and read what is written"
    assert worded(path) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "text"), programs(), ids=[name for name, _ in programs()])
def test_a_program_whose_errors_all_carry_edits_is_right_after_them(name: str, text: str) -> None:
    errors = [found for found in diagnose(unmarked(text)) if found.severity == "error"]
    mended, mends = mend(Source("<string>", unmarked(text)), Limits())
    if errors and all(found.edits for found in errors):
        assert [str(found) for found in diagnose(mended) if found.severity == "error"] == []
    assert mends or not any(found.edits for found in errors), "an edit that is never made"
    assert mend(Source("<string>", mended), Limits()) == (mended, 0)


WORDS = re.compile(r"\w+|->|=>|\S|\s+")


@pytest.mark.parametrize("path", [path for path in FILES if path.stem != "limits"], ids=lambda path: path.stem)
def test_mending_is_done_once_whatever_an_author_mistypes(path: Path) -> None:
    dice = random.Random(path.stem)
    for name, text in programs():
        words = WORDS.findall(unmarked(text))
        if name.partition(":")[0] != path.stem:
            continue
        for _ in range(2):
            typed = list(words)
            for _ in range(dice.randint(1, 3)):
                at = dice.randrange(len(typed))
                typed[at : at + dice.randint(0, 1)] = dice.choice([[], [dice.choice(words)], [" ", "->", " "], ["\n"]])
            source = Source("<string>", "".join(typed))
            mended, mends = mend(source, Limits())
            assert mend(Source("<string>", mended), Limits()) == (mended, 0), source.text
            assert mends or mended == source.text
            if diagnose(source.text) == []:
                assert mended == source.text


def test_the_corpus_holds_good_programs_too() -> None:
    assert sum(not expected(text) for _, text in programs()) >= 4
