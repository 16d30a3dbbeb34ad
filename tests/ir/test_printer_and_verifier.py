"""The IR as text, and what the verifier takes to be a sound program."""

from collections.abc import Callable

import pytest

import archdsl
from archdsl.ir.operator import WeightRef
from archdsl.ir.printer import print_program
from archdsl.ir.program import Call, Op, Program, Repeat, Segment, Value
from archdsl.ir.verifier import verify
from archdsl.types.tensor import TensorType

TEXT = """
block unit(c) { conv(c, 3, !bias) -> bn -> relu }
model m() {
  input x: f32[N, 3, 8, 8]
  conv(4, 1)
  repeat 5 { unit(4) as layer }
  flatten -> linear(10) as head
  output y
  output aux(train) = linear(2) as other
}
"""


def program() -> Program:
    return archdsl.load(TEXT).program


def test_every_function_is_printed_once_with_types_segments_and_repeats() -> None:
    assert (
        print_program(program())
        == """\
program m

func @unit(%0: f32[N, 4, 8, 8]) -> f32[N, 4, 8, 8] {  # c = 4
  %1: f32[N, 4, 8, 8] = conv(4, 3, !bias) %0  # conv
  %2: f32[N, 4, 8, 8] = batch_norm %1  # batch_norm
  %3: f32[N, 4, 8, 8] = relu %2  # relu
  return %3
}

func @m(%0: f32[N, 3, 8, 8]) -> f32[N, 10], f32[N, 2] {
  %1: f32[N, 4, 8, 8] = conv(4, 1) %0  # conv
  repeat 5 (%2: f32[N, 4, 8, 8] = %1) {
    %3: f32[N, 4, 8, 8] = @unit %2  # layer[0 + i]
    yield %3
  } -> %4: f32[N, 4, 8, 8]
  %5: f32[N, 256] = flatten %4  # flatten
  %6: f32[N, 10] = linear(10) %5  # head
  train %7: f32[N, 2] = linear(2) %6  # other
  return %6, %7
}

output y: f32[N, 10]
train output aux: f32[N, 2]
"""
    )


def test_two_elaborations_print_alike() -> None:
    assert print_program(program()) == print_program(program())


def test_repeats_nest_without_recursion() -> None:
    body = "relu"
    for _ in range(150):
        body = f"repeat 2 {{ {body} }}"
    net = archdsl.load(f"model m() {{ input x: f32[N, 3]\n{body}\noutput y }}")
    assert print_program(net.program).count("repeat 2") == 150
    assert verify(net.program) == []


def test_an_elaborated_program_is_sound() -> None:
    assert verify(program()) == []


def _repeat(p: Program) -> Repeat:
    return next(node for node in p.entry.nodes if isinstance(node, Repeat))


def _op(p: Program, name: str) -> Op:
    return next(node for node in p.entry.nodes if isinstance(node, Op) and node.op.name == name)


def _inner(p: Program) -> Call:
    (node,) = _repeat(p).nodes
    assert isinstance(node, Call)
    return node


def _swap(p: Program) -> None:
    p.entry.nodes[-1], p.entry.nodes[-2] = p.entry.nodes[-2], p.entry.nodes[-1]


def _retype(p: Program) -> None:
    _op(p, "flatten").outputs[0].type = TensorType((1, 2))


def _wrong_callee(p: Program) -> None:
    other = archdsl.load("block b() { flatten }\nmodel n() { input x: f32[N, 3]\nb\noutput y }").program
    p.functions.insert(0, other.functions[0])
    _inner(p).callee = other.functions[0]


def _unlisted(p: Program) -> None:
    p.functions.pop(0)


def _reversed(p: Program) -> None:
    p.functions.reverse()


def _once(p: Program) -> None:
    _repeat(p).times = 1


def _carried(p: Program) -> None:
    node = _repeat(p)
    node.results = (Value(TensorType((1,))),)


def _redefined(p: Program) -> None:
    head, other = p.entry.nodes[-2:]
    other.outputs = head.outputs


def _same_path(p: Program) -> None:
    _op(p, "conv").segment = Segment("head")


def _no_stride(p: Program) -> None:
    _inner(p).segment = Segment("layer", 0)


def _gap(p: Program) -> None:
    _inner(p).segment = Segment("layer", 0, (2,))


def _escaping(p: Program) -> None:
    """A value made inside a repeat, used after it."""
    _op(p, "flatten").inputs = _inner(p).outputs


def _stray_output(p: Program) -> None:
    p.outputs[0].value = p.inputs[0]


def _borrowed(p: Program) -> None:
    op = _op(p, "linear")
    later = p.entry.nodes[-1]
    assert isinstance(later, Op)
    op.op.tie = WeightRef(later, "other", "weight", (2, 10))  # type: ignore[attr-defined]


def _later_instance(p: Program) -> None:
    head, other = p.entry.nodes[-2:]
    assert isinstance(head, Op)
    assert isinstance(other, Op)
    head.instance = other


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_swap, "not defined before"),
        (_retype, "its results are typed"),
        (_wrong_callee, "do not fit"),
        (_unlisted, "not listed before"),
        (_reversed, "the entry is not the last function"),
        (_once, "runs 1 times"),
        (_carried, "changes the types"),
        (_redefined, "defined already"),
        (_same_path, "used several times"),
        (_no_stride, "0 strides inside 1 repeats"),
        (_gap, "5 elements numbered up to 8"),
        (_escaping, "not defined before"),
        (_stray_output, "no result of the entry"),
        (_borrowed, "has not run before"),
        (_later_instance, "has not run before"),
    ],
)
def test_damage_is_found(damage: Callable[[Program], None], said: str) -> None:
    broken = program()
    damage(broken)
    assert any(said in problem for problem in verify(broken)), verify(broken)


@pytest.mark.parametrize("index", [0, 1, 4])
def test_the_first_second_and_last_index_of_a_repeat_are_taken(index: int) -> None:
    broken = program()
    _op(broken, "conv").segment = Segment("layer", index)
    assert any("used several times" in problem for problem in verify(broken))
