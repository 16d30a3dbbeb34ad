"""What the tests of the command line share."""

from dataclasses import dataclass

GOOD = """\
## A unit.
block unit(c) { conv(c, 3, !bias) -> bn -> relu }
model tiny(width = 4, n: int = 2, kind: "a" | "b" = "a") {
  input x: f32[N, 3, 8, 8]
  for _ in 0..n { unit(width) as layer }; if kind == "b" { relu }
  global_avg_pool -> linear(10)
  output y
}
test tiny { params > 0 }
"""


@dataclass
class Ran:
    code: int
    out: str
    err: str
