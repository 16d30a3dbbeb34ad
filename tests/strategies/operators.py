"""Calls of operators and standard blocks, drawn from what each declares: its arguments and its examples.

A new operator is drawn like the others as soon as it is in the catalogue. Whether a drawn call fits a type, and what it
gives, is asked of the elaborator, one call in a model of its own.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.ir.operator import ArgumentSpec, Operator
from archdsl.ir.program import Op, Repeat
from archdsl.limits import Limits
from archdsl.ops import catalogue
from archdsl.records import REQUIRED
from archdsl.types.dims import Dim, substitute, symbols
from archdsl.types.tensor import TensorType

Types = tuple[TensorType, ...]
Pick = Callable[[Sequence[str]], str]

SIZES = {"N": 3, "T": 5, "H": 6, "W": 7, "S": 3, "K": 4}
"""What symbols are when something runs."""

MOST_ELEMENTS = 6_000
"""Elements of a tensor, and of the weights of one call, beyond which a call is not drawn: programs are many and
small."""

SMALL = Limits(steps=20_000, nesting=60, depth=30, instances=2_000, nodes=2_000)


@cache
def operators() -> tuple[type[Operator], ...]:
    """Every operator once, in the order of the catalogue."""
    found = [catalogue.lookup(name) for name in catalogue.names()]
    return tuple(dict.fromkeys(operator for operator in found if operator is not None))


@cache
def taking(count: int) -> tuple[type[Operator], ...]:
    """The operators that take so many tensors."""
    return tuple(each for each in operators() if each.arities() is None or count in (each.arities() or ()))


@cache
def examples() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Call and input types of every example of an operator."""
    return tuple((e.call, e.inputs) for operator in operators() for e in operator.examples if " -> " not in e.call)


@cache
def standard_blocks() -> tuple[str, ...]:
    """Calls of standard blocks, as the specs and the library's own tests write them."""
    from archdsl.std import INDEX

    root = Path(__file__).parents[2]
    texts = [path.read_text() for path in [*sorted((root / "specs").glob("*.arch")), root / "tests/std/std_cases.py"]]
    names = "|".join(INDEX)
    found = re.findall(rf"(?<![\w.])(?:{names})\((?:\d[^()\n{{}}\"]*)\)", "\n".join(texts))
    return tuple(sorted(call for call in set(found) if not re.search(r"\d{3}", call)))


@lru_cache(maxsize=50_000)
def results(call: str, inputs: Types) -> Types | None:
    """What a call gives for inputs of these types; None where it does not fit, or gives more than is wanted here."""
    names = [f"x{i}" for i in range(len(inputs))]
    flowing = [name for name in names if not re.search(rf"\b{name}\b", call)]
    head = f"[{', '.join(flowing)}] -> " if flowing else ""
    declared = "".join(f"input {name}: {type}\n" for name, type in zip(names, inputs, strict=True))
    text = f"model m {{\ninput other: f32[1]\n{declared}{head}{call}\noutput y = other -> relu\n}}\n"
    sink = Sink()
    module = load_text(text, sink, SMALL)
    program = None if module is None else elaborate(module, "m", {}, {}, sink, SMALL)
    if program is None or sink.has_errors:
        return None
    node = program.entry.nodes[0]
    if isinstance(node, Repeat):
        return None
    if isinstance(node, Op):
        weights = sum(weight.elements for weight in node.op.weights(*(value.type for value in node.inputs)))
        if weights > MOST_ELEMENTS:
            return None
    bound = {
        name: size for name, size in SIZES.items() if any(name in symbols(d) for type in inputs for d in type.dims)
    }
    if bound and elaborate(module, "m", {}, bound, sink, SMALL) is None:
        return None
    found = tuple(value.type for value in node.outputs)
    return found if all(elements(type) <= MOST_ELEMENTS for type in found) else None


def elements(type: TensorType) -> int:
    """Elements of a tensor at the sizes used here."""
    found = substitute(type.elements, SIZES)
    return found if isinstance(found, int) else MOST_ELEMENTS + 1


def fixed(dims: Sequence[Dim]) -> list[int]:
    """Those dimensions that are numbers."""
    return [dim for dim in dims if isinstance(dim, int)]


def call(operator: type[Operator], types: Types, pick: Pick, number: Callable[[int], str]) -> str:
    """A call of an operator with arguments of the kinds it declares, boundaries among them; it may well not fit.

    `number` writes an int as an expression.
    """
    name = pick([operator.name, *operator.aliases])
    parts: list[str] = []
    positional = True
    for spec in operator.arguments():
        required = spec.default is REQUIRED
        if (not required and pick(["", "", "given"]) == "") or spec.kind in ("weight", "tensor"):
            positional = False
            continue
        text = argument(spec, operator, types, pick, number)
        if not text:
            positional = False
        elif spec.kind == "bool" and text in ("true", "false"):
            parts.append(pick([spec.name if text == "true" else f"!{spec.name}", f"{spec.name} = {text}"]))
            positional = False
        elif positional and (required or pick(["", "named"]) == ""):
            parts.append(text)
        else:
            positional = False
            parts.append(text if spec.kind == "lengths" else f"{spec.name} = {text}")
    return f"{name}({', '.join(parts)})" if parts else name


AXES = ("axis", "first", "second", "start", "end", "axes", "stop")
"""Names of arguments that say an axis, or a position from either end."""


def argument(
    spec: ArgumentSpec, operator: type[Operator], types: Types, pick: Pick, number: Callable[[int], str]
) -> str:
    """The text of one argument; empty for none that could be drawn."""
    rank = types[0].rank if types else 1
    lengths = fixed(types[0].dims) if types else []
    low = int(spec.minimum) if spec.minimum is not None else -1

    def integer() -> str:
        if spec.name in AXES:
            return pick([str(i) for i in (*range(rank), *range(-rank, 0))] or ["0"])
        top = [str(int(spec.maximum))] if spec.maximum is not None and spec.maximum < 10 else []
        return number(int(pick([str(max(low, n)) for n in (2, 3, 1, 4, low, 6, 8)] + [str(n) for n in lengths] + top)))

    def window() -> str:
        spatial = max(rank - 2, 1)
        if pick(["", "list"]):
            return "[" + ", ".join(integer() for _ in range(spatial)) + "]"
        return integer()

    if spec.default is None and pick(["", "", "none"]):
        return "none"
    match spec.kind:
        case "int":
            return integer()
        case "float":
            ends = [repr(float(end)) for end in (spec.minimum, spec.maximum) if end is not None and abs(end) < 1e6]
            return pick(["0.5", "1", "0.1", "1.5", "1e-3", *ends, *([] if spec.minimum is not None else ["-0.5"])])
        case "bool":
            return pick(["true", "false"])
        case "string":
            if spec.choices:
                return pick([word for choice in spec.choices for word in (choice, f'"{choice}"')])
            return pick([text for text in map(pattern, operator.examples) if text] or [""])
        case "window":
            return window()
        case "padding":
            return pick(["same", '"same"', "0", "1", window()])
        case "ints":
            several = [integer() for _ in range(int(pick(["1", "2", "3", str(rank)])))]
            return pick([f"[{', '.join(several)}]", *several[:1]])
        case "int | ints":
            return pick([integer(), f"[{', '.join(integer() for _ in range(int(pick(['1', '2', '3']))))}]"])
        case "dim":
            return pick(["2", "1", *(str(dim) for dim in (types[0].dims if types else ()))])
        case "dims":
            return shape(types, pick)
        case "list":
            return pick(
                ["0.5", "2", "-1", "[1, 2.5]", "[[1], [-2]]", f"[{', '.join(['0.25'] * (lengths or [1])[-1])}]"]
            )
        case _:
            return ""


def pattern(example: object) -> str:
    """The pattern, in quotes, with which an example begins."""
    found = re.search(r"\"[^\"]*\"", getattr(example, "call", ""))
    return found[0] if found else ""


def shape(types: Types, pick: Pick) -> str:
    """Other dimensions for as many elements, or for about as many."""
    dims = [str(dim) for dim in types[0].dims] if types else ["1", "2"]
    ways = [
        f"[{', '.join(dims)}]",
        f"[{', '.join([*dims, '1'])}]",
        f"[{', '.join([*dims[:1], '-1'])}]",
        "[-1]",
        "[2, 3]",
    ]
    if len(dims) > 2:
        ways += [f"[{', '.join([*dims[:-2], '-1'])}]", f"[{', '.join([*dims[:-2], dims[-1], dims[-2]])}]"]
    return pick(ways)
