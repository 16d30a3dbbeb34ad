"""What `archdsl explain` shows as right is right."""

import re

import pytest

from archdsl.diagnostics.codes import all_codes
from archdsl.diagnostics.model import Sink
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.limits import Limits

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


def test_enough_explanations_are_looked_at() -> None:
    assert len(RIGHT) > 50
