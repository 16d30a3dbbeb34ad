"""What `archdsl explain` shows as right is right, and what it shows as wrong is reported with that code."""

import re

import pytest

from archdsl.diagnostics.codes import all_codes
from archdsl.diagnostics.model import Sink
from archdsl.elaborate.lint import lint
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.limits import Limits
from archdsl.spec_tests import run_tests

RIGHT = [
    (code.code, right)
    for code in all_codes()
    for right in re.findall(r"^right: +(.*(?:\n {8}.*)*)", code.explanation, re.MULTILINE)
    if not right.startswith("archdsl count") and "{ ... }" not in right
]
ITEM = re.compile("archdsl|use|let|default|block|model|test")
ELSEWHERE = re.compile("E0201|E0202|E0203|E0208|E0401|E0402|E0407|E0410|E0501|E0503|E0506|E0508|W....")
"""What snippets lack: names, files, inputs and shapes that their surroundings would give them."""


@pytest.mark.parametrize("right", [right for _, right in RIGHT], ids=[code for code, _ in RIGHT])
def test_what_an_explanation_calls_right_lacks_nothing_but_its_surroundings(right: str) -> None:
    text = right
    if not ITEM.match(right):
        start = "" if right.startswith("input") else "input x: f32[N, 12, 8, 8]; "
        end = "" if "output" in right else "; output last"
        text = f"model snippet {{ {start}{right}{end} }}"
    sink, limits = Sink(), Limits(steps=100_000)
    module = load_text(text + "\n", sink, limits)
    if module is not None and not sink.has_errors:
        for name in module.models:
            elaborate(module, name, {}, {}, sink, limits)
    assert [str(found) for found in sink.found if not ELSEWHERE.fullmatch(found.code)] == []


IN_WORDS = {"E0912", "E0913", "E0914", "E0915"}
"""Codes of budgets, whose lines are reported only among much else, or when source is written, as their pages say in
words."""

WRONG = [
    (code.code, wrong)
    for code in all_codes()
    for wrong in re.findall(r"^(?:wrong|odd): +(.*(?:\n {8}.*)*)", code.explanation, re.MULTILINE)
    if code.code not in IN_WORDS
]
MODEL = "model m { input x: f32[N, 12, 8, 8]\nHERE\noutput last }\n"
TWICE = "block twice(body: block) { body -> body }\n"
SURROUNDED = {
    "let width = 64\n": "FIRST\n" + MODEL.replace("HERE", "REST"),
    "let wide = 3": "block f(wide = true) { if wide { relu } }\n" + MODEL,
    "heads(": "block heads(width, heads) { require width % heads == 0\nlinear(width) }\n" + MODEL,
    "let n = match": "model m(depth = 34) { input x: f32[N, 12, 8, 8]\nHERE\nrepeat n { relu }\noutput last }\n",
    "twice {": TWICE + MODEL,
    "shared s = conv(8, 3)\nadd { s | twice": TWICE + MODEL,
    "[a, b] -> einsum": "model m { input a: f32[N, 4, 5]\ninput b: f32[N, 5, 6]\nHERE\noutput last }\n",
    "block square": "HERE\nmodel m { input x: f32[N, 3, 8, 6]\nsquare()\noutput last }\n",
    "block f(n) { f(n + 1) }": "HERE\n" + MODEL.replace("HERE", "f(1)"),
    "block f()": "HERE\n" + MODEL.replace("HERE", "f()"),
    "let width = 8": MODEL,
    "concat { a |": "block f(a: tensor, b: tensor) { let kept = [a, b]\nHERE }\n"
    + MODEL.replace("HERE", "relu as b\nf(x, b)"),
}
"""What snippets that show a part only stand in, by how they begin; others are a file, or the body of a model."""


def surrounded(snippet: str) -> str:
    lines = [line.partition("  #")[0].strip() for line in snippet.split("\n")]
    text = "\n".join(lines)
    start = next((start for start in SURROUNDED if text.startswith(start)), None)
    if start is None and text.startswith("input"):
        return f"model m {{ {text}\noutput last }}\n"
    if start is None and ITEM.match(text):
        return text + "\n"
    frame = MODEL if start is None else SURROUNDED[start]
    return frame.replace("HERE", text).replace("FIRST", lines[0]).replace("REST", "\n".join(lines[1:]))


@pytest.mark.parametrize(("code", "wrong"), WRONG, ids=[code for code, _ in WRONG])
def test_what_an_explanation_calls_wrong_is_reported_with_its_code(code: str, wrong: str) -> None:
    sink, limits = Sink(), Limits(steps=100_000)
    module = load_text(surrounded(wrong), sink, limits)
    if module is not None and not sink.has_errors:
        for name in module.models:
            elaborate(module, name, {}, {}, sink, limits)
        run_tests(module, sink, limits)
        lint(module, sink, limits)
    assert code in {found.code for found in sink.found}, [str(found) for found in sink.found]


def test_codes_of_budgets_are_left_out_by_name_and_no_others() -> None:
    assert all(code.startswith("E09") for code in IN_WORDS)
    assert len(WRONG) > 80


def test_enough_explanations_are_looked_at() -> None:
    assert len(RIGHT) > 50
