"""A program that remembers is the same program, and every formula in it comes to the number that holds it."""

from pathlib import Path

import pytest

import archdsl
from archdsl.ir.printer import print_program
from archdsl.ir.program import Call, Function, Op, Program, walk
from archdsl.types.derivations import Derivation, TracedFloat, TracedInt, bare, constant, kind, localised, value_of

SPECS = sorted(Path(__file__).parents[2].joinpath("specs").glob("*.arch"))


def remembered(program: Program) -> Program:
    assert program.remembering is not None
    found = program.remembering({})
    assert found is not None
    return found


def from_text(text: str, tmp_path: Path) -> Program:
    path = tmp_path / "spec.arch"
    path.write_text(text)
    return remembered(archdsl.load(str(path)).program)


def atoms_of(function: Function) -> dict[Derivation, object]:
    """What the names and sizes that a function's block knows stand for."""
    known: dict[Derivation, object] = {
        Derivation("name", name, 0): bare(value) for name, value in function.arguments.items()
    }
    for position, value in enumerate(function.inputs):
        for axis, dim in enumerate(value.type.dims):
            known[Derivation("axis", position, axis, 0)] = bare(dim)
    return known


def numbers_in(function: Function) -> list[object]:
    """Every number of a function that may remember: arguments of operators, sizes, what calls are given."""
    found: list[object] = []
    for node, _ in walk(function.nodes):
        found += [dim for value in node.outputs for dim in value.type.dims]
        if isinstance(node, Op):
            for spec in node.op.arguments():
                value = getattr(node.op, spec.name)
                found += value if isinstance(value, tuple) else [value]
    return found


@pytest.mark.parametrize("path", SPECS, ids=[path.stem for path in SPECS])
def test_every_formula_of_the_zoo_comes_to_its_number(path: Path) -> None:
    checked = 0
    for model in archdsl.models(str(path)):
        program = remembered(archdsl.load(str(path), model=model.name).program)
        for function in program.functions:
            atoms = atoms_of(function)
            for number in numbers_in(function):
                if not isinstance(number, (TracedInt, TracedFloat)):
                    continue
                formula = localised(number.formula, id(function.origin))
                if formula is not None:  # one of a block further out is known there
                    value = value_of(formula, atoms)
                    assert value == number and kind(value) is kind(number), (function, formula)
                    checked += 1
            for node, _ in walk(function.nodes):
                condition = None if node.condition is None else localised(node.condition, id(function.origin))
                if condition is not None and not condition.is_constant:
                    assert value_of(condition, atoms) is True, (function, condition)
                    checked += 1
    assert checked or path.stem in ("lenet", "neuron", "digits1989", "pilotnet"), "nothing is remembered"


def test_a_program_that_remembers_is_the_same_program() -> None:
    for path in SPECS:
        for model in archdsl.models(str(path)):
            program = archdsl.load(str(path), model=model.name).program
            assert print_program(remembered(program)) == print_program(program), (path.stem, model)


def test_counting_remembers_nothing() -> None:
    program = archdsl.load(str(SPECS[0]), model=archdsl.models(str(SPECS[0]))[0].name).program
    for function in program.functions:
        assert not any(isinstance(number, (TracedInt, TracedFloat)) for number in numbers_in(function))
        for node, _ in walk(function.nodes):
            assert node.condition is None and (not isinstance(node, Call) or node.given is None)


def written(text: str, tmp_path: Path, block: str) -> list[str]:
    """The formulas and conditions of a block's first function, as they are local to it."""
    function = next(each for each in from_text(text, tmp_path).functions if each.block == block)
    found: list[str] = []
    for number in numbers_in(function):
        if isinstance(number, (TracedInt, TracedFloat)):
            found.append(repr(localised(number.formula, id(function.origin))))
    for node, _ in walk(function.nodes):
        if node.condition is not None:
            found.append(repr(localised(node.condition, id(function.origin))))
    return found


def model(body: str) -> str:
    return f"model m() {{ input x: f32[N, 4, 8, 8]\n {body}\n output y }}"


NAME = "name({!r}, 0)".format
C, OUT, FLAT = NAME("c"), NAME("out"), NAME("flat")
THRICE = f"*(constant(3), {OUT})"


@pytest.mark.parametrize(
    ("body", "formula"),
    [
        ("conv(4*out, 1)", f"*(constant(4), {OUT})"),
        ("conv(out if out > 4 else c, 1)", f"if(>({OUT}, constant(4)), {OUT}, {C})"),
        ("conv(max(out, 16), 1)", f"max({OUT}, constant(16))"),
        ("let wide = 2 * out; conv(wide, 1)", f"*(constant(2), {OUT})"),
        ("conv(match out { 8 => 3 * out, _ => 1 }, 1)", f"if(==({OUT}, constant(8)), {THRICE}, constant(1))"),
        ('conv(match out { 8 => out, _ => error("no") }, 1)', OUT),
        ("let wide = [out if out > 4 else c, 3]; conv(wide[0], 1)", f"if(>({OUT}, constant(4)), {OUT}, {C})"),
        ("concat { id | conv(out, 1) }", f"+({C}, {OUT})"),
        ("for i in 0..3 { concat { id | conv(out, 1) } }", f"+({C}, *(constant(3), {OUT}))"),
        ("if c != out { conv(out, 1) }", f"!=({C}, {OUT})"),
        ("if c == out { id } else { conv(out, 1) }", f"!=({C}, {OUT})"),
        ("if c == 1 { id } else if not flat { conv(out, 1) }", f"and(!=({C}, constant(1)), not({FLAT}))"),
    ],
)  # fmt: skip
def test_a_number_or_a_node_knows_what_the_author_wrote(body: str, formula: str, tmp_path: Path) -> None:
    text = f"block part(out, flag flat) [N, c, ...S] {{ {body} }}\n{model('part(8)')}"
    assert formula in written(text, tmp_path, "part")


def test_inside_a_block_a_number_is_its_own_parameter_and_outside_what_it_was_made_of(tmp_path: Path) -> None:
    text = f"""block inner(out) {{ conv(2*out, 1) }}
      block outer(width) {{ inner(width + 1) }}
      {model("outer(7)")}"""
    assert f"*(constant(2), {NAME('out')})" in written(text, tmp_path, "inner")
    assert f"+(*(constant(2), {NAME('width')}), constant(2))" in written(text, tmp_path, "outer")


def test_a_body_in_braces_keeps_the_names_of_where_it_is_written(tmp_path: Path) -> None:
    text = f"""block twice(body: block) {{ body -> body }}
      block outer(width) {{ twice {{ conv(width, 1) }} }}
      {model("outer(7)")}"""
    program = from_text(text, tmp_path)
    body, outer = (next(each for each in program.functions if each.block == name) for name in ("body", "outer"))
    out = next(node.op.out for node, _ in walk(body.nodes) if isinstance(node, Op))  # type: ignore[attr-defined]
    assert localised(out.formula, id(body.origin)) is None
    assert localised(out.formula, id(outer.origin)) == Derivation("name", "width", 0)


def test_a_call_knows_what_its_caller_gives(tmp_path: Path) -> None:
    text = f"""block inner(out, flag loud) [N, c, ...S] {{ conv(out, 1) }}
      block outer(width, flag all) {{ conv(2 * width, 1); inner(width + 1, loud = all) }}
      {model("outer(7)")}"""
    outer = next(each for each in from_text(text, tmp_path).functions if each.block == "outer")
    call = next(node for node, _ in walk(outer.nodes) if isinstance(node, Call))
    given = {atom.parts[0]: localised(formula, id(outer.origin)) for atom, formula in (call.given or {}).items()}
    assert repr(given["out"]) == f"+({NAME('width')}, constant(1))"
    assert repr(given["c"]) == f"*(constant(2), {NAME('width')})"
    assert repr(given["loud"]) == NAME("all")


def test_a_program_is_remembered_under_other_values_of_its_parameters(tmp_path: Path) -> None:
    path = tmp_path / "spec.arch"
    path.write_text('model m(out = 8) { input x: f32[N, 4]\n require out < 20, "large"\n linear(out)\n output y }')
    remembering = archdsl.load(str(path)).program.remembering
    assert remembering is not None
    twice = remembering({"out": 16})
    assert twice is not None and twice.entry.arguments["out"] == 16
    assert remembering({"out": 24}) is None
    assert constant(8) != twice.entry.outputs[0].type.dims[1].formula  # type: ignore[union-attr]
