"""Specs that are valid by construction: a writer that always knows the type of what flows, and writes what fits it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import strategies as st

from archdsl.types.dims import symbol
from archdsl.types.tensor import TensorType
from strategies import operators as ops
from strategies.operators import Types

INPUTS = [
    "f32[N, 4]", "f32[N, 3, 6, 6]", "f32[N, T, 4]", "f32[N, 4, W]", "f32[N, 2, H, W]", "f32[2, 6]",
    "f32[N, 1, 4*K, 8]",
    "f32[1, 2, 3, 4, 3]", "f32[N, 4, 5]", "f32[N, 8, 2, 2]", "f32[1, 1]", "f32[3]", "f32[N, 6, H]",
]  # fmt: skip
"""Types of a model's first input, the simplest first."""


@dataclass
class Block:
    """A block that has been written, and how it is called."""

    name: str
    arguments: list[tuple[str, str]]
    """Names and texts that mean the same at every place."""
    leading: bool
    """Whether the first of them may be given without its name."""
    takes: Types
    gives: Types


@dataclass
class Parameter:
    """A parameter of the model, and the value under which the model is valid."""

    name: str
    type: str
    value: str
    other: str
    """Another value of the same type."""


@dataclass
class Spec:
    """A spec in parts, so that these can be put together in more than one way."""

    head: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.written()

    def written(
        self,
        blocks: Iterable[int] | None = None,
        parameter: Callable[[Parameter], str] = lambda p: f"{p.name}{p.type} = {p.value}",
        after: Sequence[str] = (),
    ) -> str:
        """The spec with its blocks in some order, and its parameters written some way."""
        order = range(len(self.blocks)) if blocks is None else blocks
        declared = f"({', '.join(map(parameter, self.parameters))})" if self.parameters else ""
        model = "\n".join([f"model m{declared} {{", *indented([*self.inputs, *self.body]), "}"])
        return "\n".join([*self.head, *(self.blocks[i] for i in order), model, *after]) + "\n"


def indented(lines: Iterable[str]) -> list[str]:
    return ["  " + line for text in lines for line in text.split("\n")]


@dataclass
class Scope:
    """What a statement sees."""

    flow: Types
    tensors: dict[str, TensorType] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    shared: dict[str, tuple[Types, Types]] = field(default_factory=dict)
    owners: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Labels of linear layers of this function, and the shapes of their weights."""
    model: bool = False
    """Whether these are the statements of a model itself, outside all braces."""
    open: bool = False
    """Whether the model's symbols are seen: in it, and not in blocks."""

    def inner(self, flow: Types | None = None) -> "Scope":
        """The scope of braces below."""
        flow = self.flow if flow is None else flow
        return Scope(flow, dict(self.tensors), dict(self.numbers), dict(self.shared), {}, False, self.open)

    @property
    def one(self) -> TensorType:
        return self.flow[0]


@cache
def below(count: int) -> st.SearchStrategy[int]:
    """An index. Much quicker made than `sampled_from`, and it shrinks alike."""
    return st.integers(0, count - 1)


@st.composite
def specs(draw: st.DrawFn, most: int = 7) -> Spec:
    """A spec with one model `m`, whose defaults are those it is valid under."""
    return _Writer(draw).spec(most)


class _Writer:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.made = Spec()
        self.blocks: list[Block] = []
        self.count = 0
        self.fuel = 14
        self.outputs: list[str] = []

    # ------------------------------------------------------------------------------------------------------ drawing

    def pick(self, ways: Sequence[Any]) -> Any:
        return ways[self.draw(below(len(ways)))] if len(ways) > 1 else ways[0]

    def chance(self, percent: int) -> bool:
        return self.draw(below(100)) >= 100 - percent

    def name(self, letter: str = "v") -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def number(self, value: int, scope: Scope) -> str:
        """An expression for an int, mostly the int itself."""
        if not self.chance(20):
            return str(value)
        known = [name for name, meant in scope.numbers.items() if meant == value]
        if known:
            return self.pick(known)
        ways = [
            f"{value + 1} - 1", f"(2 * {value} + 1) // 2", f"[0, {value}][1]", f"[{value}, 7][-2]",
            f"min({value}, {value + 3})",
            f"({value} if 1 < 2 <= 2 else 0)", f"match 3 {{ 1 | 3 => {value}; _ => 0 }}", f"{2 * value} / 2",
            f"round({value}.25)", f"sum([{value}, 1]) - len([1])", f"max(1, {value}) + min(0, {value} - 1)",
            f"{value} ** 1",
            f"floor({value + 0.5})", f"ceil({value - 0.5})", f"{value} % 1000 if not false and true else 1",
        ]  # fmt: skip
        if value < 1:
            return str(value)
        ways += [f"{name} + {value - meant}" for name, meant in scope.numbers.items() if value >= meant]
        return self.pick(ways)

    # -------------------------------------------------------------------------------------------------------- specs

    def spec(self, most: int) -> Spec:
        made = self.made
        if self.chance(20):
            made.head.append(
                self.pick(["archdsl 1", "# A comment.", "default conv(!bias), bn(eps = 1e-3)", "default linear(!bias)"])
            )
        scope = Scope((), model=True, open=True)
        if self.chance(30):
            name, value = self.name(), self.pick([4, 2, 1, 3, 8])
            made.head.append(f"let {name} = {value}")
            scope.numbers[name] = value
        for _ in range(self.pick([0, 0, 1, 2])):
            self.parameter(scope)
        taken = type_of(self.pick(INPUTS))
        made.inputs.append(f"input x: {taken}")
        scope.tensors["x"] = taken
        scope.flow = (taken,)
        made.body += self.body(scope, most)
        if len(made.inputs) > 1:
            made.body.insert(0, "x -> id")
        if len(scope.flow) > 1:
            made.body.append(self.gather(scope))
        ending = self.pick(
            ["output y", "output y = id", "relu\noutput y = sigmoid"] if plain(scope.one) else ["output y"]
        )
        made.body += [*self.outputs, *ending.split("\n")]
        return made

    def parameter(self, scope: Scope) -> None:
        name = self.name("p")
        kind = self.pick(["int", "choice", "flag", "list"])
        if kind == "flag":
            self.made.parameters.append(Parameter(name, ": bool", "true", "false"))
            scope.numbers[f"(3 if {name} else 5)"] = 3
        elif kind == "list":
            self.made.parameters.append(Parameter(name, ": list", "[2, 4]", "[3]"))
            scope.numbers |= {f"{name}[0]": 2, f"{name}[-1]": 4, f"len({name})": 2}
        else:
            value = self.pick([4, 2, 1, 3])
            other = value + 1
            type = self.pick(["", ": int"]) if kind == "int" else f": {value} | {other}"
            self.made.parameters.append(Parameter(name, type, str(value), str(other)))
            scope.numbers[name] = value

    def gather(self, scope: Scope) -> str:
        """A step that leaves the first of several tensors."""
        names = [self.name() for _ in scope.flow]
        scope.flow = scope.flow[:1]
        return f"{', '.join(names)} = id\n{names[0]} -> id"

    # --------------------------------------------------------------------------------------------------- statements

    def body(self, scope: Scope, most: int, keep: bool = False) -> list[str]:
        """Statements for what flows; with `keep` they give back its type."""
        lines: list[str] = []
        for _ in range(self.draw(st.integers(1, most))):
            lines += self.statement(scope, keep)
        return lines

    def statement(self, scope: Scope, keep: bool) -> list[str]:
        self.fuel -= 1
        if len(scope.flow) > 1:
            return self.merge(scope, keep)
        plain = [self.operator] * 5
        if self.fuel < 0:
            return self.operator(scope, keep)
        more = [
            self.fan_out, self.labelled, self.bind, self.restart, self.tuple, self.group, self.loop, self.repeat,
            self.choose, self.constants, self.claims, self.call_block, self.call_block, self.combinator,
            self.recursion, self.share,
            self.share, self.tie, self.standard, self.divide, self.gate, self.fan_out_for, self.defaults, self.values,
        ]  # fmt: skip
        if scope.model:
            more += [self.island, self.island, self.island, self.head]
        return self.pick([*plain, *more])(scope, keep)

    def fits(self, call: str, types: Types, keep: TensorType | None, open: bool = True) -> Types | None:
        """What a call gives, where it may stand: with `open` it sees the model's symbols."""
        if (not open and re.search(r"\b[A-Z]\b", call)) or ("bias_init" in call and self.made.head):
            return None
        found = ops.results(call, types)
        return None if found is None or (keep is not None and found != (keep,)) else found

    def step(self, scope: Scope, keep: bool) -> str:
        """One call of an operator on what flows, which it changes."""
        kept = scope.one if keep else None
        for _ in range(3):
            operator = self.pick(ops.taking(1))
            call = ops.call(operator, scope.flow, self.pick, lambda n: self.number(n, scope))
            # Expressions mean nothing in the model that asks: only their values do, and these are the names' own.
            found = self.fits(self.closed(call, scope), scope.flow, kept, scope.open)
            if found is not None:
                scope.flow = found
                return call
        return self.pick(["relu", "gelu", "id"]) if plain(scope.one) else "id"

    def closed(self, call: str, scope: Scope) -> str:
        """A call with names of numbers replaced by their values."""
        for name in sorted(scope.numbers, key=len, reverse=True):
            call = replaced(call, name, f"({scope.numbers[name]})")
        return call

    def operator(self, scope: Scope, keep: bool) -> list[str]:
        return [" -> ".join(self.step(scope, keep) for _ in range(self.pick([1, 1, 2])) if len(scope.flow) == 1)]

    def labelled(self, scope: Scope, keep: bool) -> list[str]:
        text = self.step(scope, keep)
        if len(scope.flow) > 1:
            return [text]
        label = self.name("l")
        scope.tensors[label] = scope.one
        return [f"{text} as {label}"]

    def bind(self, scope: Scope, keep: bool) -> list[str]:
        """A flow beside the current one, used by a merge at once."""
        if not plain(scope.one):
            return self.operator(scope, keep)
        name, branch = self.name(), scope.inner()
        flow = " -> ".join(self.step(branch, True) for _ in range(self.pick([1, 2])))
        scope.tensors[name] = scope.one
        return [f"{name} = {flow}", f"[id, {name}] -> {self.merger(scope.one)}"]

    def merger(self, type: TensorType) -> str:
        return self.pick(["add", "mul", "max", "mean", "sub", "min", "join"]) if plain(type) else "id"

    def restart(self, scope: Scope, keep: bool) -> list[str]:
        same = [name for name, type in scope.tensors.items() if type == scope.one]
        anything = same if keep else list(scope.tensors)
        if not anything or not plain(scope.one):
            return self.operator(scope, keep)
        name = self.pick(anything)
        if name in same:
            return [f"[{name}, id] -> {self.merger(scope.one)}"]
        scope.flow = (scope.one, scope.tensors[name])
        return [f"[id, {name}]", *self.merge(scope, keep)]

    def merge(self, scope: Scope, keep: bool) -> list[str]:
        """Several tensors become one, by whatever operator takes them."""
        for _ in range(3):
            operator = self.pick(ops.taking(len(scope.flow)))
            call = ops.call(operator, scope.flow, self.pick, lambda n: self.number(n, scope))
            found = self.fits(self.closed(call, scope), scope.flow, None, scope.open)
            if found is not None and len(found) == 1:
                scope.flow = found
                return [call]
        return self.gather(scope).split("\n")

    def branches(self, scope: Scope, count: int, keep: bool, bodies: bool = True) -> list[tuple[str, TensorType]]:
        found: list[tuple[str, TensorType]] = []
        for _ in range(count):
            branch = scope.inner()
            if bodies and self.chance(25) and self.fuel > 0:
                lines = self.body(branch, 2, keep=True)
                found.append(("\n".join(lines), branch.one))
            else:
                steps = [self.step(branch, keep) for _ in range(self.pick([1, 1, 2])) if len(branch.flow) == 1]
                if len(branch.flow) > 1:
                    steps, branch.flow = ["id"], scope.flow
                found.append((" -> ".join(steps), branch.one))
        return found

    def fan_out(self, scope: Scope, keep: bool) -> list[str]:
        if not plain(scope.one):
            return self.operator(scope, keep)
        branches = self.branches(scope, self.pick([1, 2, 3]), keep or self.chance(50))
        if self.chance(40):
            branches.append((self.pick(["", "id"]), scope.one))
        types = tuple(type for _, type in branches)
        kept = scope.one if keep else None
        wanted = ["add", "concat", "mul", "max", "mean", "sub", "stack", "concat(axis = -1)", "join(0.25)"]
        for call in [self.pick(wanted), "add", "concat", "concat(axis = -1)"]:
            found = self.fits(call, types, kept)
            if found is not None and len(found) == 1:
                scope.flow = found
                return [f"{call} {{ {' | '.join(text for text, _ in branches)} }}{self.label(scope)}"]
        return ["id"]

    def label(self, scope: Scope) -> str:
        if not self.chance(15) or len(scope.flow) > 1:
            return ""
        label = self.name("l")
        scope.tensors[label] = scope.one
        return f" as {label}"

    def fan_out_for(self, scope: Scope, keep: bool) -> list[str]:
        if not plain(scope.one):
            return self.operator(scope, keep)
        name = self.name()
        branch = scope.inner()
        branch.numbers[name] = 1
        flow = self.step(branch, True)
        merger = self.pick(["add", "mean", "max"])
        return [f"{merger} for {name} in {self.pick(['[1, 1]', '[1]', '1..2'])} {{ {flow} }}"]

    def tuple(self, scope: Scope, keep: bool) -> list[str]:
        branches = self.branches(scope, 2, keep, bodies=False)
        text = f"[{', '.join(text for text, _ in branches)}]"
        types = tuple(type for _, type in branches)
        kept = scope.one if keep else None
        for call in [self.pick(["add", "concat", "stack", "mul"]), "concat", "add"]:
            found = self.fits(call, types, kept)
            if found is not None and len(found) == 1:
                scope.flow = found
                return [f"{text} -> {call}"]
        return ["id"]

    def divide(self, scope: Scope, keep: bool) -> list[str]:
        """Taken apart by name, and put together again."""
        axis = self.pick(list(range(scope.one.rank)) or [0])
        dims = scope.one.dims
        length = dims[axis] if dims else 1
        if not isinstance(length, int) or length < 2:
            return self.operator(scope, keep)
        parts = 2 if length % 2 == 0 and self.chance(60) else [1, length - 1]
        names = [self.name(), self.name()]
        gone = self.fits(f"split({parts}, axis = {axis})", scope.flow, None)
        if gone is None:
            return self.operator(scope, keep)
        scope.tensors |= dict(zip(names, gone, strict=True))
        return [
            f"{', '.join(names)} = split({parts}, axis = {axis})",
            f"[{names[0]}, {names[1]} -> {'relu' if plain(scope.one) else 'id'}] -> concat(axis = {axis})",
        ]

    def gate(self, scope: Scope, keep: bool) -> list[str]:
        """Numbers, learned tensors and gates, which stretch."""
        if not plain(scope.one):
            return self.operator(scope, keep)
        ones = ", ".join(["1"] * scope.one.rank)
        last = scope.one.dims[-1:] or (1,)
        ways = [
            "constant(0.5)",
            f"param([{ones}])",
            "reduce_mean(-1, keepdim)",
            "sigmoid",
            f'param([{ones}], init = "ones")',
        ]
        if isinstance(last[0], int) and scope.one.rank:
            ways.append(f"param([{', '.join(['1'] * (scope.one.rank - 1) + [str(last[0])])}])")
        way = self.pick(ways)
        merger = self.pick(["mul", "add", "sub", "max", "min"])
        branch = self.fits(way, scope.flow if "param" not in way and "constant" not in way else (), None)
        found = branch and self.fits(merger, (scope.one, branch[0]), scope.one if keep else None)
        if not found:
            return ["relu"]
        scope.flow = found
        return [f"{merger} {{ id | {way} }}"]

    def group(self, scope: Scope, keep: bool) -> list[str]:
        inner = scope.inner()
        lines = self.body(inner, 2, keep)
        if len(inner.flow) > 1:
            lines.append(self.gather(inner))
        scope.flow = inner.flow
        head = self.pick(["", "recompute ", "recompute if 1 < 2 ", "recompute if false "])
        return [braces(head, lines) + self.label(scope)]

    def loop(self, scope: Scope, keep: bool) -> list[str]:
        inner = scope.inner()
        name, other = self.name(), self.name()
        kind = self.pick(["range", "list", "pairs", "blocks"])
        if kind == "blocks":
            return (
                [f"for {name} in [{', '.join(['relu', 'dropout(0.5)', 'tanh'][: self.pick([1, 2, 3])])}] {{ {name} }}"]
                if (plain(scope.one))
                else ["id"]
            )
        if kind == "range":
            head = f"for {name} in 0..{self.number(self.pick([1, 2, 3]), scope)} {{"
        elif kind == "list":
            inner.numbers[name] = 2
            head = f"for {name} in [2, 2] {{"
        else:
            inner.numbers |= {name: 1, other: 2}
            head = f"for {name}, {other} in [(1, 2), (1, 2)] {{"
        lines = self.body(inner, 2, keep=True)
        if self.chance(30) and kind == "range":
            lines[-1] += f' as "w{{{name} + 1}}"' if " as " not in lines[-1] and is_call(lines[-1]) else ""
        return [braces(head[:-1], lines)]

    def repeat(self, scope: Scope, keep: bool) -> list[str]:
        if not keep and self.chance(30) and plain(scope.one):
            width = self.pick([2, 4, 3])
            call = self.pick([f"linear({width})", f"conv({width}, 3)", f"conv({width}, 1) -> relu"])
            found = self.fits(call.split(" ")[0], scope.flow, None)
            if found is not None and self.fits(call.split(" ")[0], found, found[0]):
                scope.flow = found
                return [f"repeat {self.number(self.pick([2, 1, 3]), scope)} {{ {call} }}"]
        inner = scope.inner()
        if self.chance(80):
            inner.shared = {}
        lines = self.body(inner, 2, keep=True)
        return [braces(f"repeat {self.number(self.pick([2, 1, 3]), scope)} ", lines)]

    def choose(self, scope: Scope, keep: bool) -> list[str]:
        inner = scope.inner()
        condition, other = self.pick(
            [("1 < 2", "2 < 1"), ("true", "false"), ("not (3 == 4) and true", "1 != 1"), ('"a" == "a"', "[1] == [2]")]
        )
        flags = [name[len("(3 if ") : -len(" else 5)")] for name in scope.numbers if name.startswith("(3 if")]
        if flags and self.chance(50):
            condition, other = flags[0], f"not {flags[0]}"
        lines = self.body(inner, 2, keep)
        if len(inner.flow) > 1:
            lines.append(self.gather(inner))
        scope.flow = inner.flow
        shape = self.pick(["if", "else", "else if"])
        if shape == "if":
            return [braces(f"if {condition} ", lines)]
        if shape == "else":
            return [braces(f"if {other} ", ["relu"]) + braces(" else ", lines)]
        return [braces(f"if {other} ", ["relu"]) + braces(f" else if {condition} ", lines) + braces(" else ", ["tanh"])]

    def constants(self, scope: Scope, keep: bool) -> list[str]:
        name, other = self.name(), self.name()
        value = self.pick([2, 1, 4, 3])
        if self.chance(30):
            text = self.number(value, scope)
            scope.numbers |= {name: value, other: 3}
            return [f"let {name}, {other} = ({text}, 3)"]
        text = self.number(value, scope)
        scope.numbers[name] = value
        return [f"let {name} = {text}"]

    def values(self, scope: Scope, keep: bool) -> list[str]:
        """Blocks and operators as values."""
        if not plain(scope.one):
            return self.operator(scope, keep)
        name = self.name()
        value = self.pick(
            [
                "relu",
                "dropout(0.25)",
                "match 2 { 1 => tanh; _ => sigmoid }",
                "[relu, gelu][1]",
                "(relu if true else id)",
            ]
        )
        return [f"let {name} = {value}", name]

    def claims(self, scope: Scope, keep: bool) -> list[str]:
        if self.chance(30):
            return [
                f'require {self.pick(["1 < 2", "true or false", "2 == 2.0", "[1, 2] == [1, 2]"])}, "never {{1 + 1}}"'
            ]
        dims = [str(dim) if isinstance(dim, int) or (scope.open and self.chance(50)) else "_" for dim in scope.one.dims]
        if self.chance(20):
            dims = [*dims[:1], "..."]
        elif self.chance(30) and dims:
            at = self.pick(range(len(dims)))
            length, dims[at] = scope.one.dims[at], self.name("d")
            if isinstance(length, int):
                scope.numbers[dims[at]] = length
        return [f"expect [{', '.join(dims)}]"]

    def defaults(self, scope: Scope, keep: bool) -> list[str]:
        return [self.pick(["default dropout(p = 0.1)", "default elu(alpha = 0.5), leaky_relu(negative_slope = 0.2)"])]

    # ------------------------------------------------------------------------------------------------------- blocks

    def call_block(self, scope: Scope, keep: bool) -> list[str]:
        known = [b for b in self.blocks if b.takes == scope.flow and (not keep or b.gives == scope.flow)]
        block = self.pick(known) if known and self.chance(60) else self.new_block(scope.flow, keep)
        scope.flow = block.gives
        arguments = [
            text if i == 0 and block.leading and self.chance(50) else f"{name} = {text}"
            for i, (name, text) in enumerate(block.arguments)
        ]
        call = f"{block.name}({', '.join(arguments)})" if arguments or self.chance(20) else block.name
        return [call + self.label(scope)]

    def new_block(self, taken: Types, keep: bool) -> Block:
        name = self.name("b")
        scope = Scope(taken)
        declared: list[str] = []
        arguments: list[tuple[str, str]] = []
        for _ in range(self.pick([0, 1, 1, 2])):
            parameter = self.name("a")
            kind = self.pick(["n", "n = ", "choice", "flag", "string", "block"])
            value = self.pick([2, 4, 3])
            if kind == "flag":
                declared.append(f"flag {parameter}")
                arguments.append((parameter, "true"))
                scope.numbers[f"(3 if {parameter} else 5)"] = 3
            elif kind == "string":
                declared.append(f'{parameter}: "fast" | "exact" = "exact"')
                scope.numbers[f'(2 if {parameter} == "exact" else 7)'] = 2
            elif kind == "block":
                declared.append(f"{parameter}: block = id")
            else:
                typed = f": {value} | 9" if kind == "choice" else ""
                default = self.chance(40)
                declared.append(f"{parameter}{typed}{f' = {value}' if default else ''}")
                scope.numbers[parameter] = value
                if not default or self.chance(50):
                    arguments.append((parameter, str(value)))
        declared.sort(key=lambda text: " = " in text or "flag" in text)
        arguments.sort(key=lambda pair: next(i for i, text in enumerate(declared) if pair[0] in text))
        leading = bool(arguments) and declared[0].startswith(arguments[0][0])
        self.fuel -= 1
        lines = self.body(scope, 3, keep)
        if len(scope.flow) > 1:
            lines.append(self.gather(scope))
        signature = self.signature(taken[0], scope.one)
        doc = "## A block.\n" if self.chance(10) else ""
        parameters = f"({', '.join(declared)})" if declared or self.chance(20) else ""
        self.made.blocks.append(doc + braces(f"block {name}{parameters} {signature}", lines))
        block = Block(name, arguments, leading, taken, scope.flow)
        self.blocks.append(block)
        return block

    def signature(self, taken: TensorType, given: TensorType) -> str:
        if not self.chance(50):
            return ""
        names = [f"n{i}" for i in range(taken.rank)]
        left = self.pick(
            [f"[{', '.join(names)}]", "[...r]", f"[{', '.join(['_'] * taken.rank)}]", "[n0, ...]" if names else "[...]"]
        )
        right = [str(dim) if isinstance(dim, int) else "_" for dim in given.dims]
        if left[1:2] == "n" and "..." not in left and self.chance(60):
            right = [
                names[taken.dims.index(dim)] if dim in taken.dims else text
                for dim, text in zip(given.dims, right, strict=True)
            ]
        return f"{left} => [{', '.join(right)}] " if self.chance(50) else f"{left} "

    def combinator(self, scope: Scope, keep: bool) -> list[str]:
        """A block with parameters of type block, called with bodies in braces or with values."""
        if not plain(scope.one):
            return self.operator(scope, keep)
        name = self.name("b")
        how = self.pick(["add { f | g }", "f -> g", "[f, g] -> mul", "repeat 2 { f }\ng"])
        self.made.blocks.append(braces(f"block {name}(f: block, g: block = id) ", how.split("\n")))
        inner = scope.inner()
        inner.shared = {}
        body = self.body(inner, 2, keep=True)
        if self.chance(30):
            return [f"{name}({self.pick(['relu', 'tanh', 'dropout(0.5)'])})"]
        second = f" | {self.step(scope.inner(), True)}" if self.chance(40) else ""
        return [braces(f"{name} ", body)[:-1] + f"{second} }}"]

    def recursion(self, scope: Scope, keep: bool) -> list[str]:
        name = self.name("b")
        inner = Scope(scope.flow)
        body = self.body(inner, 1, keep=True)
        deeper = self.pick([f"relu -> {name}(k - 1)", f"add {{ {name}(k - 1) | {name}(k - 1) -> {name}(k - 1) }}"])
        if not plain(scope.one):
            deeper = f"{name}(k - 1)"
        self.made.blocks.append(braces(f"block {name}(k) ", [braces("if k <= 0 ", body) + braces(" else ", [deeper])]))
        return [f"{name}({self.pick([1, 0, 2])})"]

    def share(self, scope: Scope, keep: bool) -> list[str]:
        known = [name for name, (takes, gives) in scope.shared.items() if takes == scope.flow == gives]
        if known and self.chance(70):
            return [self.pick(known)]
        if not plain(scope.one):
            return self.operator(scope, keep)
        name = self.name("s")
        inner = scope.inner()
        if self.chance(40):
            block = self.new_block(scope.flow, True)
            call = f"{block.name}({', '.join(f'{n} = {text}' for n, text in block.arguments)})"
        else:
            call = self.step(inner, True)
        if call.startswith(("id", "constant")) or "dropout" in call:
            call = "layer_norm" if self.fits("layer_norm", scope.flow, scope.one) else "relu"
        scope.shared[name] = (scope.flow, scope.flow)
        return [f"shared {name} = {call}", f"{name} -> {self.pick(['relu', 'id'])} -> {name}"]

    def tie(self, scope: Scope, keep: bool) -> list[str]:
        """A linear layer, and one that borrows its weight."""
        width = scope.one.dims[-1] if scope.one.rank > 1 and scope.one.dtype == "f32" else None
        if not isinstance(width, int) or width > 8:
            return self.operator(scope, keep)
        same = [label for label, shape in scope.owners.items() if shape == (width, width)]
        if same and self.chance(60):
            label = self.pick(same)
            return [f"linear({width}, tie = {self.pick([f'{label}.weight', f'transpose({label}.weight)'])})"]
        label, middle = self.name("l"), self.pick([width, 3, 5])
        scope.owners[label] = (middle, width)
        scope.tensors[label] = scope.one.replace_axis(-1, middle)
        return [f"linear({middle}) as {label} -> relu -> linear({width}, tie = transpose({label}.weight))"]

    def standard(self, scope: Scope, keep: bool) -> list[str]:
        calls = ops.standard_blocks()
        for _ in range(3):
            call = self.pick(calls)
            found = self.fits(call, scope.flow, scope.one if keep else None)
            if found is not None and len(found) == 1:
                scope.flow = found
                return [call]
        if not plain(scope.one) or not scope.one.rank:
            return ["id"]
        return [f"residual {{ {self.step(scope.inner(), True)} }}"]

    # -------------------------------------------------------------------------------------------------- model bodies

    def island(self, scope: Scope, keep: bool) -> list[str]:
        """An operator on inputs of its own, of the types of one of its examples, so that none is left out; arguments
        are the example's or others."""
        call, types = self.pick(ops.examples())
        taken = tuple(map(type_of, types))
        if self.chance(50):
            operator = next(o for o in ops.operators() if call.split("(")[0] in (o.name, *o.aliases))
            again = ops.call(operator, taken, self.pick, lambda n: self.number(n, scope))
            if ops.results(self.closed(again, scope), taken) is not None:
                call = again
        found = self.fits(self.closed(call, scope), taken, None)
        if found is None:
            return ["id"]
        names = [self.name("x") for _ in taken]
        self.made.inputs += [f"input {name}: {type}" for name, type in zip(names, taken, strict=True)]
        scope.tensors |= dict(zip(names, taken, strict=True))
        flowing = list(names)
        for i, name in enumerate(names):
            if f"x{i}" in call:
                call = call.replace(f"x{i}", name)
                flowing.remove(name)
        targets = [self.name() for _ in found]
        scope.tensors |= dict(zip(targets, found, strict=True))
        self.outputs += [f"output {target}" for target in targets]
        head = f"[{', '.join(flowing)}] -> " if flowing else ""
        return [f"{', '.join(targets)} = {head}{call}"]

    def head(self, scope: Scope, keep: bool) -> list[str]:
        """An output for training, or beside the others."""
        name = self.name("o")
        branch = scope.inner()
        flow = self.step(branch, False)
        if len(branch.flow) > 1:
            return ["id"]
        return [f"output {name}{self.pick(['(train)', ''])} = {flow}"]


def plain(type: TensorType) -> bool:
    """Whether arithmetic takes such tensors."""
    return type.dtype == "f32"


def braces(head: str, lines: Sequence[str]) -> str:
    """Statements in braces, on lines of their own where they are several."""
    if len(lines) == 1 and "\n" not in lines[0]:
        return f"{head}{{ {lines[0]} }}"
    return "\n".join([f"{head}{{", *indented(lines), "}"])


def is_call(line: str) -> bool:
    """Whether a label may follow a line."""
    return "\n" not in line and not line.startswith(
        ("let", "expect", "require", "default", "shared", "for", "if", "repeat")
    )


def replaced(text: str, name: str, value: str) -> str:
    """A text with a name of a number replaced where it stands as one."""
    return re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", value, text)


def type_of(text: str) -> TensorType:
    """The type that a text such as `f32[N, 3, 4*K]` says."""
    dtype, _, dims = text.rstrip("]").partition("[")
    parsed = [
        eval(dim, {"__builtins__": {}}, {name: symbol(name) for name in ops.SIZES}) for dim in dims.split(",") if dim
    ]
    return TensorType(tuple(parsed), dtype)
