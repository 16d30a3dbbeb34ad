"""Random specs of every way to use a weight: blocks in blocks, loops in loops, instances shared and tied, heads, parts
that training computes again."""

import random

WIDTH = 8


def text(seed: int, dead: bool = False) -> str:
    """A spec with one model `m` of vectors of `WIDTH` features; the same for the same seed. With `dead` its longest
    part is for training, and steps that nothing reads come before and after that."""
    return _Writer(random.Random(seed)).spec(dead)


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.blocks: list[str] = []
        self.lines: list[str] = []

    def spec(self, dead: bool) -> str:
        for number in range(self.chance.randint(0, 3)):
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
        if self.chance.random() < 0.4:
            self.lines.append("  output aux(train) = linear(3) as head")
        return "\n".join([*self.lines, "  output y", "}"])

    def shared(self, name: str) -> list[str]:
        """Perhaps the declaration of an instance, and its name."""
        if self.chance.random() < 0.5:
            return []
        self.lines.append(f"  shared {name} = {self.chance.choice([f'linear({WIDTH})', *self.calls() * 2])}")
        return [name]

    def calls(self) -> list[str]:
        return [f"{block}({self.chance.randint(1, 2)})" for block in self.blocks]

    def body(self, indent: int, depth: int, shared: list[str], ties: list[str]) -> None:
        """Up to four statements; `depth` levels of braces are left. A `repeat` uses nothing from outside it that would
        have it written out."""
        space = "  " * indent
        for _ in range(self.chance.randint(1, 4)):
            step = self.chance.random()
            if step < 0.2 and depth:
                loop = self.chance.choice(["repeat 3", "repeat 2", "for i in 0..2"])
                self.lines.append(f"{space}{loop} {{")
                self.body(indent + 1, depth - 1, shared if loop.startswith("for") else [], [])
                self.lines.append(f"{space}}}")
            elif step < 0.27 and depth:
                self.lines.append(f"{space}recompute {{")
                self.body(indent + 1, depth - 1, shared, [])
                self.lines.append(f"{space}}}")
            elif step < 0.43 and depth:
                self.lines.append(f"{space}add {{")
                self.body(indent + 1, depth - 1, shared, [])
                self.lines.append(f"{space}| id }}" if self.chance.random() < 0.5 else f"{space}| linear({WIDTH}) }}")
            elif step < 0.6:
                self.lines.append(space + self.chance.choice([*shared * 4, *self.calls(), f"linear({WIDTH}, !bias)"]))
            elif step < 0.75 and ties:
                self.lines.append(f"{space}linear({WIDTH}, tie = {self.chance.choice(ties)})")
            else:
                simple = ["relu", "layer_norm", "scale", f"linear({WIDTH})", f"linear(12) -> relu -> linear({WIDTH})"]
                self.lines.append(space + self.chance.choice(simple))
