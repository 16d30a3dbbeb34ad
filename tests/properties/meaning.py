"""What a spec means does not depend on how it is written: on its layout, the names of its locals, the order of its
blocks, on how a loop is said, or on where a parameter gets its value from."""

import random
import re
import zlib
from collections.abc import Sequence

from strategies.printing import source
from strategies.programs import Spec

import archdsl
from archdsl.diagnostics.model import Sink
from archdsl.ir.flatten import flatten
from archdsl.ir.operator import TensorArgument
from archdsl.ir.program import Program
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.syntax import ast
from archdsl.syntax.dump import dump
from archdsl.syntax.parser import parse

LOCAL = re.compile(r"\b([vad])(\d+)\b")
"""Names that generated specs give to tensors, constants, loops, parameters of blocks and dimensions, and that are in no
path."""


def meaning(program: Program) -> list[str]:
    """Every application in order, with what it reads, and the interface: equal for programs that do the same under the
    same paths."""
    numbers: dict[object, int] = {value: i for i, value in enumerate(program.inputs)}
    lines = [f"input {value.name}: {value.type}" for value in program.inputs]
    flattened = flatten(program, Limits())
    for flat in flattened:
        read = [numbers[value] for value in flat.inputs]
        numbers.update((value, len(numbers)) for value in flat.outputs)
        settings = [None if isinstance(s, TensorArgument) else s for s in flat.op.settings()]
        types = ", ".join(str(value.type) for value in flat.outputs)
        again = flat.node.recompute is not None
        lines.append(
            f"{flat.path} {flat.owner_path} {flat.op.name} {settings} {read} {types} {flat.train_only} {again}"
        )
    results = zip(program.outputs, flattened.outputs, strict=True)
    lines += [f"output {output.name} {numbers[value]} {output.train}" for output, value in results]
    total = archdsl.Network(program, (), Limits()).cost()
    return [*lines, f"{total.params} {total.buffers} {total.macs} {total.flops} {total.activations}"]


def read(text: str) -> ast.File:
    sink = Sink()
    file = parse(Source("spec", text), sink)
    assert file is not None and not sink.found, f"{sink.found}\n{text}"
    return file


def check_meaning(spec: Spec) -> None:
    """All of it, of one spec."""
    expected = meaning(archdsl.load(spec.text).program)
    chance = random.Random(zlib.crc32(spec.text.encode()))
    check_layout(spec.text, expected, chance)
    check_names(spec.text, expected)
    check_order(spec, expected, chance)
    check_loops(spec.text, expected)
    check_parameters(spec, expected)


def same(text: str, expected: Sequence[str], model: str | None = None, **parameters: object) -> None:
    found = meaning(archdsl.load(text, model, **parameters).program)
    assert found == expected, "\n".join(["it means something else:", text])


def check_layout(text: str, expected: Sequence[str], chance: random.Random) -> None:
    file = read(text)
    tree = dump(file)
    assert dump(read(source(file))) == tree
    written = source(file, lambda ways: ways[0] if chance.random() < 0.8 else chance.choice(ways))
    assert dump(read(written)) == tree, written
    same(written, expected)


def check_names(text: str, expected: Sequence[str]) -> None:
    """With other names for what is local. An output is a local that is also seen from outside."""
    outputs = set(re.findall(r"^\s*output (\w+)", text, re.MULTILINE))

    def other(found: re.Match[str]) -> str:
        return found[0] if found[0] in outputs else f"other_{found[1]}_{found[2]}"

    same(LOCAL.sub(other, text), expected)


def check_order(spec: Spec, expected: Sequence[str], chance: random.Random) -> None:
    order = list(range(len(spec.blocks)))
    chance.shuffle(order)
    same(spec.written(order), expected)


def check_loops(text: str, expected: Sequence[str]) -> None:
    if "repeat " in text:
        same(source(read(text), loops="for"), expected)
        same(source(read(text), loops="out"), expected)


def check_parameters(spec: Spec, expected: Sequence[str]) -> None:
    """A default, `-p`, and a preset."""
    if not spec.parameters:
        return
    from archdsl.cli.options import parameters

    given = parameters([f"{p.name}={p.value}" for p in spec.parameters])
    same(spec.written(parameter=lambda p: f"{p.name}{p.type}"), expected, **given)
    same(spec.written(parameter=lambda p: f"{p.name}{p.type} = {p.other}"), expected, **given)
    values = ", ".join(f"{p.name} = {p.value}" for p in spec.parameters)
    others = ", ".join(f"{p.name} = {p.other}" for p in spec.parameters)
    preset = [f"model q = m({values})"]
    same(spec.written(parameter=lambda p: f"{p.name}{p.type} = {p.other}", after=preset), expected, "q")
    same(spec.written(after=[f"model q = m({others})"]), expected, "q", **given)
