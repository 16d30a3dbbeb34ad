"""Generated specs are valid, mean what they say however it is written, and are one network to every engine."""

import random

import pytest
from hypothesis import given, settings
from strategies import operators
from strategies.programs import Spec, specs

import archdsl
from archdsl.ir.program import walk
from archdsl.records import field_names
from archdsl.syntax import ast
from archdsl.verify import Comparison
from properties.engines import check_error, check_program, leaves_single_precision
from properties.meaning import check_meaning, read


@settings(max_examples=70)
@given(specs())
def test_every_engine_and_every_analysis_agrees_on_a_valid_spec(spec: Spec) -> None:
    check_program(spec.text)


@settings(max_examples=120)
@given(specs())
def test_what_a_spec_means_does_not_depend_on_how_it_is_written(spec: Spec) -> None:
    check_meaning(spec)


def test_the_generated_specs_use_every_operator_and_every_construct() -> None:
    nodes = {kind for kind in vars(ast).values() if isinstance(kind, type) and kind.__module__ == ast.__name__}
    elsewhere = {ast.Test, ast.Check, ast.Preset, ast.Use, ast.Import}
    unused = {operator.name for operator in operators.operators()}
    unbuilt = nodes - elsewhere

    @given(specs())
    def collect(spec: Spec) -> None:
        program = archdsl.load(spec.text).program
        unused.difference_update(op.op.name for f in program.functions for op, _ in walk(f.nodes) if hasattr(op, "op"))
        stack: list[object] = [read(spec.text)] if unbuilt else []
        while stack:
            node = stack.pop()
            if isinstance(node, list | tuple):
                stack.extend(node)
            elif type(node).__module__ == ast.__name__:
                unbuilt.discard(type(node))
                stack.extend(getattr(node, name) for name in field_names(type(node)))

    for number in range(1500):
        if not unused and not unbuilt:
            break  # what further ones use has been seen
        collect.hypothesis.fuzz_one_input(random.Random(number).randbytes(4096))
    assert unused == set()
    assert {kind.__name__ for kind in unbuilt} == set()


def test_only_values_beyond_single_precision_excuse_an_infinite_error() -> None:
    square = "mul { id | id }\n" * 8
    model = "model m {{\ninput x: f32[1, 4]\nmul {{ id | constant(1000) }}\n{}output y\n}}\n"
    assert leaves_single_precision(archdsl.load(model.format(square)))
    assert not leaves_single_precision(archdsl.load(model.format("")))
    infinite = Comparison("y", (1, 4), float("inf"), float("inf"))  # as of another shape
    with pytest.raises(AssertionError):
        check_error(infinite, 1e-7)
