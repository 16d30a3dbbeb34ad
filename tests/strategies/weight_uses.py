"""Specs of every way to use a weight: blocks in blocks, loops in loops, instances shared and tied, heads, parts that
training computes again. All is one width, so that these constructs meet in any order."""

from collections.abc import Sequence

from hypothesis import strategies as st

from strategies.programs import below

WIDTH = 8


@st.composite
def weight_uses(draw: st.DrawFn, dead: bool = False) -> str:
    """A spec with one model `m` of vectors of `WIDTH` features. With `dead` its longest part is for training, and steps
    that nothing reads come before and after that."""
    return _Writer(draw).spec(dead)


class _Writer:
    """What is drawn first is the simplest, so that failures shrink to it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.blocks: list[str] = []
        self.lines: list[str] = []

    def pick(self, ways: Sequence[str]) -> str:
        return ways[self.draw(below(len(ways)))]

    def chance(self, percent: int) -> bool:
        return self.draw(below(100)) >= 100 - percent

    def spec(self, dead: bool) -> str:
        for number in range(self.draw(below(4))):
            self.lines.append(f"block b{number}(n) [N, d] => [N, d] {{")
            shared = self.shared(f"s{number}")
            self.body(1, 2, shared, [])
            self.lines += [*shared, f"  for j in 0..n {{ linear({WIDTH}) as unit }}", "}"]
            self.blocks.append(f"b{number}")
        self.lines += ["model m {", f"  input x: f32[N, {WIDTH}]"]
        shared = self.shared("s")
        self.lines.append(f"  linear({WIDTH}) as first")
        self.body(1, 3, shared, ["first.weight", "transpose(first.weight)"])
        self.lines += shared
        if dead:
            self.lines.append("  output early(train)")
            self.body(1, 2, shared, ["first.weight"])
            self.lines.append("  output late(train) = linear(3)")
            self.body(1, 1, shared, ["first.weight"])
            self.lines.append("  first -> relu")
            self.body(1, 2, shared, ["first.weight"])
        if self.chance(40):
            self.lines.append("  output aux(train) = linear(3) as head")
        return "\n".join([*self.lines, "  output y", "}"])

    def shared(self, name: str) -> list[str]:
        """Perhaps the declaration of an instance, and its name."""
        if not self.chance(70):
            return []
        self.lines.append(f"  shared {name} = {self.pick([f'linear({WIDTH})', *self.calls() * 2])}")
        return [name]

    def calls(self) -> list[str]:
        return [f"{block}({1 + self.draw(below(2))})" for block in self.blocks]

    def body(self, indent: int, depth: int, shared: list[str], ties: list[str]) -> None:
        """Up to four statements; `depth` levels of braces are left. A `repeat` uses nothing from outside it that would
        have it written out."""
        space = "  " * indent
        for _ in range(1 + self.draw(below(4))):
            step = self.draw(below(100))
            if step >= 76 and depth:
                loop = self.pick(["repeat 2", "repeat 3", "for i in 0..2"])
                self.lines.append(f"{space}{loop} {{")
                self.body(indent + 1, depth - 1, shared if loop.startswith("for") else [], [])
                self.lines.append(f"{space}}}")
            elif step >= 62 and depth:
                self.lines.append(f"{space}recompute {{")
                self.body(indent + 1, depth - 1, shared, [])
                self.lines.append(f"{space}}}")
            elif step >= 50 and depth:
                self.lines.append(f"{space}add {{")
                self.body(indent + 1, depth - 1, shared, [])
                self.lines.append(f"{space}| {self.pick(['id', f'linear({WIDTH})'])} }}")
            elif step >= 28:
                self.lines.append(space + self.pick([f"linear({WIDTH}, !bias)", *self.calls(), *shared * 4]))
            elif step >= 16 and ties:
                self.lines.append(f"{space}linear({WIDTH}, tie = {self.pick(ties)})")
            else:
                simple = ["relu", "layer_norm", "scale", f"linear({WIDTH})", f"linear(12) -> relu -> linear({WIDTH})"]
                self.lines.append(space + self.pick(simple))
