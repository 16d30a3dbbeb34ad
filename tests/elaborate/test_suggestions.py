"""How many names a file may misspell before what they may have meant is no longer looked for."""

from collections.abc import Callable

from archdsl.diagnostics.model import Diagnostic
from archdsl.elaborate.report import MAX_SUGGESTIONS


def test_suggestions_stop_at_their_bound_and_not_before(diagnose: Callable[..., list[Diagnostic]]) -> None:
    lines = "\n".join(f"  let a{number} = widht" for number in range(MAX_SUGGESTIONS + 1))
    found = diagnose(f"model m(width = 3) {{\n  input x: f32[N, width]\n{lines}\n  output y\n}}")
    helps = ["width" in each.help for each in found if each.code == "E0201"]
    assert helps == [True] * MAX_SUGGESTIONS + [False]


def test_number_formats_count_among_them(diagnose: Callable[..., list[Diagnostic]]) -> None:
    lines = "\n".join(f"  input x{number}: f23[N]" for number in range(MAX_SUGGESTIONS + 1))
    found = diagnose(f"model m {{\n{lines}\n  output y\n}}")
    helps = ["f32" in each.help for each in found if each.code == "E0304"]
    assert helps == [True] * MAX_SUGGESTIONS + [False]
