"""Which symbol counts samples."""

import pytest

from archdsl.api import load


def batch(*inputs: str, body: str = "x0 -> id") -> str | None:
    declared = "".join(f"  input x{place}: {type}\n" for place, type in enumerate(inputs))
    return load(f"model m {{\n{declared}  y = {body}\n  output y\n}}\n").program.batch_symbol


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (("f32[N, 3, H]",), "N"),
        (("f32[4, 3, H]",), None),
        (("f32[2*N, 3]",), None),
        (("f32[]",), None),
        (("f32[H, H]",), None),
        (("f32[H, 2*H]",), None),
        (("f32[N, 3]", "f32[N, 4]"), "N"),
        (("f32[N, 3]", "f32[4]"), "N"),
        (("i64[N, 1]", "f32[2, N, S, 8]"), "N"),
        (("f32[N, T, 8]", "f32[1, N, 4]"), "N"),
        (("f32[N, 3]", "f32[2*N, 4]"), None),
        (("f32[N, 3]", "f32[4, N + 1]"), None),
        (("f32[N, 3]", "f32[N, N]"), None),
        (("f32[N]", "f32[8, N]"), None),
        (("f32[N, 3]", "f32[2, 3, N]"), None),
    ],
)
def test_samples_are_one_whole_axis_of_each_input(inputs: tuple[str, ...], expected: str | None) -> None:
    assert batch(*inputs) == expected


def test_rows_that_meet_are_no_samples() -> None:
    assert batch("f32[T, 8]", "f32[3, T, 8]", body='[x0, x1] -> einsum("td,lsd->lts")') is None
    assert batch("f32[T, 8]", "f32[3, T, 8]", body='[x0, x1] -> einsum("td,ltd->lt")') == "T"
    body = 'x0 -> relu -> linear(8)\n z = [y, x1] -> einsum("td,lsd->lts") -> relu -> reduce_mean(2)'
    assert batch("f32[T, 8]", "f32[3, T, 8]", body=body) is None


def test_costs_of_a_cached_step_are_per_sample() -> None:
    text = """
model step {
  input ids: i64[N, 1]
  input cache: f32[2, N, S, 8]
  query = ids -> embedding(100, 8) -> linear(8)
  keys, values = cache -> split(2, axis = 0)
  [query, keys -> squeeze(0), values -> squeeze(0)] -> attention
  output y
}
"""
    assert str(load(text).cost().macs) == "16*S + 64"
