"""Pages on terminals of every width: no line is wider, no word is lost, and pipes get what they always got."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Ran

from archdsl.cli.ops_command import _fitted  # pyright: ignore[reportPrivateUsage]
from archdsl.diagnostics.codes import all_codes
from archdsl.diagnostics.model import Diagnostic, Edit
from archdsl.diagnostics.terminal import width
from archdsl.diagnostics.text import render_text
from archdsl.diagnostics.wrapping import listed, reflowed, with_code
from archdsl.ops import catalogue
from archdsl.source import Source, Span

Archdsl = Callable[..., Ran]
WIDTHS = [*range(40, 81, 4), 90, 100, 120, 160, 200]

SPEC = """\
model m(classes = 10) { input x: f32[N, 3, 32, 32]; conv(8, 3) -> global_avg_pool -> linear(classes); output logits }
test m {
  params == 3*8*9 + 8 + 8*10 + 10
  macs within 2% of 222K "A very long citation of a paper with many authors, Proceedings of a conference, 2015, Table 2"
  shape(logits) == [N, 10]
}
test m(classes = 7) { params ~ 0.3K }
"""


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make standard output and standard error terminals of so many cells."""

    def make(columns: int) -> None:
        monkeypatch.setattr("archdsl.cli.options.terminal_cells", lambda stream: columns)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]

    return make


@pytest.mark.parametrize("most", WIDTHS)
@pytest.mark.parametrize(
    "command",
    [["explain"], ["explain", "E0308"], ["explain", "W0401"], ["ops"], ["ops", "conv"], ["ops", "einsum"],
     ["ops", "lstm"], ["ops", "residual"], ["test", "SPEC"]],
    ids=" ".join,
)  # fmt: skip
def test_a_page_fits_the_terminal_and_loses_nothing(
    archdsl: Archdsl, on_terminal: Callable[[int], None], tmp_path: Path, command: list[str], most: int
) -> None:
    spec = tmp_path / "m.arch"
    spec.write_text(SPEC, encoding="utf-8")
    words = [str(spec) if word == "SPEC" else word for word in command]
    piped = archdsl(*words).out
    on_terminal(most)
    shown = archdsl(*words).out
    assert max(map(width, shown.split("\n"))) <= most
    if command[0] == "test":  # headings come again, where checks of one test are a table of their own
        for word in piped.split():
            assert squeezed(word) in squeezed(shown)
    else:
        assert squeezed(shown) == squeezed(piped)


def test_a_page_that_fits_is_the_same_on_a_terminal_as_in_a_pipe(
    archdsl: Archdsl, on_terminal: Callable[[int], None], tmp_path: Path
) -> None:
    spec = tmp_path / "m.arch"
    spec.write_text(SPEC, encoding="utf-8")
    commands = [["explain", "E0308"], ["ops"], ["ops", "conv"], ["test", str(spec)]]
    piped = [archdsl(*command).out for command in commands]
    on_terminal(300)
    assert [archdsl(*command).out for command in commands] == piped


@pytest.mark.parametrize("most", WIDTHS)
def test_every_page_of_a_code_or_an_operator_can_be_shown_at_every_width(most: int) -> None:
    for code in all_codes():
        lines = [*reflowed(code.explanation, most), *listed(f"{code.code}  {code.name}", code.summary, 37, most)]
        assert max(map(width, lines)) <= most
        assert squeezed("".join(lines)) == squeezed(f"{code.explanation}{code.code}{code.name}{code.summary}")
    for name in catalogue.names():
        operator = catalogue.lookup(name)
        assert operator is not None
        for example in operator.examples:
            line = f"  {example.call:<50}  {', '.join(example.inputs):<50}  ->  {example.output}"
            lines = _fitted(line, most).split("\n")
            assert max(map(width, lines)) <= most
            assert squeezed("".join(lines)) == squeezed(line)


LONG = "what flows in stands before a step: `[first_tensor, conv(8, 3) -> relu] -> add`, and more words after it"


@pytest.mark.parametrize("most", WIDTHS)
def test_sentences_of_a_diagnostic_fit_the_terminal_and_code_stays_on_one_line(most: int) -> None:
    source = Source("m.arch", "add(first_tensor, conv(8, 3) -> relu)\n")
    span = Span(source, 0, 3)
    edit = Edit(Span(source, 4, 16), "x")
    found = Diagnostic("E0306", LONG, span, "here", notes=(LONG, "short"), help=LONG, edits=(edit,))
    plain = render_text([found])
    shown = render_text([found], most=most)
    sentences = [
        line for line in shown.split("\n") if not re.match(r"1? *\|", line) and "conv(8, 3) -> relu)" not in line
    ]
    assert max(map(width, sentences)) <= most
    assert squeezed(shown) == squeezed(plain)
    code = "`[first_tensor, conv(8, 3) -> relu] -> add`"
    assert sum(code in line for line in sentences) == 3 or most < 60
    assert render_text([found], most=400) == plain


@pytest.mark.parametrize("most", WIDTHS)
def test_code_that_is_wider_than_a_line_is_broken_and_other_code_is_not(most: int) -> None:
    wide = " ".join(["word"] * 60)
    lines = with_code(f"write `{wide}` or `let a = b` there", most)
    assert max(map(width, lines)) <= most
    assert any("`let a = b`" in line for line in lines)
    assert squeezed("".join(lines)) == squeezed(f"write `{wide}` or `let a = b` there")


@pytest.mark.parametrize("most", [40, 60])
def test_what_verify_prints_fits_the_terminal(
    archdsl: Archdsl, on_terminal: Callable[[int], None], tmp_path: Path, most: int
) -> None:
    spec = tmp_path / "m.arch"
    spec.write_text(SPEC.replace("logits }", "scores_of_every_class_that_there_is }").partition("test")[0])
    piped = archdsl("verify", str(spec)).out
    on_terminal(most)
    shown = archdsl("verify", str(spec)).out
    assert max(map(width, shown.split("\n"))) <= most
    assert squeezed(shown) == squeezed(piped)


def test_the_width_of_a_pipe_is_none() -> None:
    from archdsl.cli.options import terminal_cells

    with open(os.devnull, "w", encoding="utf-8") as stream:
        assert terminal_cells(stream) is None
    assert terminal_cells(None) is None
