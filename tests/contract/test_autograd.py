"""What an operator says of training is what PyTorch does: the bytes that autograd keeps, and the products it makes."""

import random
import re
from collections.abc import Iterable, Sequence

import pytest
import torch
from contract_cases import CASES, SIZES, Case
from measured import kept_bytes, mkldnn
from torch.utils.flop_counter import FlopCounterMode

from archdsl.analysis.cost import CostModel
from archdsl.analysis.training import TrainingModel
from archdsl.api import Network, load
from archdsl.ir.program import Op
from archdsl.types.dims import substitute

MORE = [
    ("dropout(1.0)", "f32[2, 3, 4]"),
    ("dropout(0.0)", "f32[2, 3, 4]"),
    ("transpose(1, 2) -> relu", "f32[N, 3, T]"),
    ("transpose(1, 2) -> sigmoid -> flatten -> sigmoid", "f32[2, 3, T]"),
    ("transpose(1, 2) -> linear(4) -> relu", "f32[2, 3, T]"),
    ("transpose(1, 2) -> linear(4, !bias) -> relu", "f32[2, 3, T]"),
    ("transpose(1, 2) -> layer_norm", "f32[2, 3, T]"),
    ("transpose(1, 2) -> rms_norm", "f32[2, 3, T]"),
    ("transpose(1, 2) -> group_norm(1)", "f32[2, 3, 4]"),
    ("transpose(1, 2) -> instance_norm(affine)", "f32[2, 3, 4]"),
    ("transpose(1, 2) -> bn", "f32[2, 3, 4]"),
    ("transpose(1, 2) -> softmax", "f32[2, 3, 4]"),
    ("transpose(1, 2) -> dropout", "f32[2, 3, 4]"),
    ("transpose(1, 2) -> lrn(2) -> relu", "f32[2, 3, 4, 5]"),
    ("transpose(1, -1) -> lrn(2) -> relu", "f32[2, 2, 3, 2, 3]"),
    ("permute([0, 2, 3, 1]) -> reshape([2, 12, 5]) -> sigmoid", "f32[2, 5, 3, 4]"),
    ("permute([0, 2, 3, 1]) -> reshape([2, 3, 2, 2, 5]) -> sigmoid", "f32[2, 5, 3, 4]"),
    ("permute([0, 2, 3, 1]) -> reshape([2, 60]) -> gelu", "f32[2, 5, 3, 4]"),
    ("slice(1, 3) -> gelu", "f32[2, 4, 3]"),
    ("slice(0, axis = -1, step = 2) -> flatten -> gelu", "f32[2, 3, 4]"),
    ("slice(1, 3) -> conv(2, 1)", "f32[2, 4, 3]"),
    ("slice(1, 3, axis = 2) -> linear(2)", "f32[2, 3, 4]"),
    ("step -> relu", "f32[2, 3]"),
    ("permute([0, 3, 1, 2]) -> group_norm(2) -> gelu", "f32[2, 3, 3, 4]"),
    ("permute([0, 4, 1, 2, 3]) -> tanh -> group_norm(2) -> flatten(1) -> gelu", "f32[2, 3, 3, 2, 4]"),
    ("permute([0, 3, 1, 2]) -> group_norm(2, !affine) -> permute([0, 2, 3, 1]) -> gelu", "f32[2, 3, 3, 4]"),
    ("permute([0, 3, 2, 1]) -> group_norm(2) -> flatten(1) -> gelu", "f32[2, 3, 3, 4]"),
    ('einsum("abc->cab") -> gelu', "f32[2, 3, 4]"),
    ('transpose(1, 2) -> einsum("abc->ac") -> gelu', "f32[2, 3, 4]"),
    ("slice(1, -1, axis = [1, 2]) -> flatten -> gelu", "f32[2, 4, 5]"),
    ("reshape([2, 1, 12]) -> repeat_dim(3, axis = 1) -> gelu", "f32[2, 3, 4]"),
    ("reshape([2, 1, 12]) -> repeat_dim(3, axis = 1) -> reshape([6, 12]) -> gelu", "f32[2, 3, 4]"),
    ("mul { id | constant(0.5) } -> tanh -> mul { id | constant([[1, 2, 3]]) }", "f32[2, 3]"),
    ("min { id | constant(20) } -> max { constant(-1) | relu | id } -> linear(2)", "f32[2, 3]"),
    ("mul { linear(4) | add { constant(1) | constant(2) } }", "f32[2, 3]"),
    ("mul { linear(4) | constant(2) -> detach } -> max { id | constant(1) }", "f32[2, 3]"),
    ("linear(4) -> detach -> gelu -> linear(3) -> gelu", "f32[2, 3]"),
    ('pad(1, axis = 2, mode = "reflect") -> gelu', "f32[2, 3, 4]"),
    ("linear(4) -> step -> linear(3)", "f32[2, 3]"),
    ("lstm(3) -> linear(2)", "f32[N, T, 4]"),
    ("lstm(3, 2, dropout = 0.5) -> relu", "f32[N, T, 4]"),
    ("gru(3, 3, bidirectional, dropout = 1.0) -> linear(2, !bias)", "f32[N, T, 4]"),
    ("gru(3) -> lstm(3) -> gelu", "f32[N, T, 4]"),
    ("transpose(1, 2) -> rnn(3) -> slice(-1) -> linear(2)", "f32[N, 4, T]"),
    ("rnn(4, skip_input) -> sigmoid -> rnn(4, bidirectional, skip_input, !bias) -> gelu", "f32[N, T, 4]"),
    ("lstm(3)", "f32[2, 1, 4]"),
]
"""Pieces in which layout in memory, shared memory and missing gradients show."""


def trained(call: str, inputs: tuple[str, ...]) -> Network:
    """A network that applies a call to sums of its inputs with something learned, so that all of them need gradients;
    a sum itself keeps nothing."""
    declared = [f"  input x{i}: {type}" for i, type in enumerate(inputs)]
    sums = [
        f"  g{i} = [x{i}, param({[1] * (type.count(',') + 1)})] -> add"
        if type.startswith("f32") and type != "f32[]"
        else f"  g{i} = x{i}"
        for i, type in enumerate(inputs)
    ]
    taken = [f"g{i}" for i in range(len(inputs)) if f"x{i}" not in call]
    head = {0: "", 1: "g0 -> "}.get(len(taken), f"[{', '.join(taken)}] -> ")
    return load("\n".join(["model m {", *declared, *sums, f"  {head}{call}", "  output y", "}"]))


def compare(net: Network, *inputs: torch.Tensor) -> None:
    torch.manual_seed(0)
    module = net.torch().train()
    assert substitute(TrainingModel(net.program).kept, SIZES) == kept_bytes(module, *inputs)


SINGLE = [case for case in CASES if case.example.output.count("[") == 1 or not case.example.output]


@pytest.mark.parametrize("case", SINGLE, ids=str)
def test_an_example_keeps_what_pytorch_measures(case: Case) -> None:
    net = trained(case.example.call, case.example.inputs)
    compare(net, *(torch.from_numpy(array) for array in case.arrays().values()))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_example_of_data_keeps_what_pytorch_measures(case: Case) -> None:
    compare(case.network(), *(torch.from_numpy(array) for array in case.arrays().values()))


@pytest.mark.parametrize(("call", "type"), MORE)
def test_views_and_copies_keep_what_pytorch_measures(call: str, type: str) -> None:
    shape = [int(SIZES.get(dim, dim)) for dim in re.findall(r"\w+", type)[1:]]
    compare(trained(call, (type,)), torch.randn(*shape))


@pytest.mark.parametrize("norm", ["group_norm(2)", "group_norm(2, !affine)"])
def test_data_is_normalised_in_groups_as_pytorch_measures(norm: str) -> None:
    net = load(
        f"model m {{\n input x: f32[2, 3, 3, 4]\n permute([0, 3, 1, 2]) -> {norm} as a\n"
        " conv(4, 1) -> flatten(1) as b\n a -> flatten(1) -> linear(36) as c\n [b, c] -> add\n output y\n}"
    )
    compare(net, torch.randn(2, 3, 3, 4))


def test_parts_of_one_memory_are_kept_once_and_whole() -> None:
    net = load(
        "model m {\n input x: f32[2, 6]\n linear(6)\n a, b = split(2)\n a -> gelu as left\n b -> sigmoid as right\n"
        " [left, right] -> mul\n output y\n}"
    )
    compare(net, torch.randn(2, 6))


@pytest.mark.parametrize(
    ("pattern", "inputs"),
    [
        ("nij,njk->nik", ("f32[2, 3, 4]", "f32[2, 4, 5]")),
        ("nij,njk->nki", ("f32[2, 3, 4]", "f32[2, 4, 5]")),
        ("nij,njk->kni", ("f32[2, 3, 4]", "f32[2, 4, 5]")),
        ("nij,njk->ikn", ("f32[2, 3, 4]", "f32[2, 4, 5]")),
        ("ij,jk->ki", ("f32[3, 4]", "f32[4, 5]")),
        ("abc,cd->bda", ("f32[2, 3, 4]", "f32[4, 5]")),
        ("abc,cde->eadb", ("f32[2, 3, 4]", "f32[4, 5, 6]")),
        ("abc,cde->edab", ("f32[2, 3, 4]", "f32[4, 5, 6]")),
        ("abcx,cdey->edab", ("f32[2, 3, 4, 2]", "f32[4, 5, 6, 3]")),
        ("ab,bc,cd->da", ("f32[2, 3]", "f32[3, 4]", "f32[4, 5]")),
        ("acb,cdb->da", ("f32[2, 3, 4]", "f32[3, 5, 4]")),
        ("abc,cd->dba", ("f32[2, 1, 4]", "f32[4, 5]")),
        ("fd,fe->fed", ("f32[3, 5]", "f32[3, 2]")),
        ("fd,fe->fde", ("f32[3, 5]", "f32[3, 2]")),
        ("a,b,c->abc", ("f32[2]", "f32[3]", "f32[4]")),
        ("a,b,bc->ac", ("f32[2]", "f32[3]", "f32[3, 4]")),
    ],
)
def test_an_einsum_leaves_its_result_in_the_order_that_pytorch_does(pattern: str, inputs: tuple[str, ...]) -> None:
    """Where its result does not lie in order, flattening copies it, and both are kept."""
    lines = [
        f" input x{i}: {type}\n g{i} = [x{i}, param({[1] * (type.count(',') + 1)})] -> add"
        for i, type in enumerate(inputs)
    ]
    net = load(
        "\n".join(["model m {", *lines])
        + f'\n [{", ".join(f"g{i}" for i in range(len(inputs)))}] -> einsum("{pattern}") as y\n'
        " a = y -> gelu\n b = y -> flatten(0) -> gelu\n [a -> flatten(0), b] -> mul\n output z\n}"
    )
    compare(net, *(torch.randn([int(d) for d in re.findall(r"\d+", type)[1:]]) for type in inputs))


@pytest.mark.parametrize(
    ("lengths", "seeds"),
    [((2, 3, 4), range(120)), ((1, 1, 2, 3, 4), (*range(80), 86, 107, 114, 121, 124, 220, 229, 248))],
    ids=["longer", "ones"],
)
def test_any_einsum_keeps_what_pytorch_measures(lengths: Sequence[int], seeds: Iterable[int]) -> None:
    """Element-wise functions look at the strides of axes of length 1, too."""
    for seed in seeds:
        pattern, shapes = random_einsum(random.Random(seed), lengths)
        test_an_einsum_leaves_its_result_in_the_order_that_pytorch_does(
            pattern, tuple(f"f32{shape}" for shape in shapes)
        )


def random_einsum(random: random.Random, choice: Sequence[int]) -> tuple[str, list[list[int]]]:
    """A pattern, of which more than half sum over nothing, and the shapes of its inputs."""
    lengths = {letter: random.choice(choice) for letter in "abcde"}
    terms = [random.sample("abcde", random.randint(1, 3)) for _ in range(random.choice([1, 2, 2, 2, 3]))]
    used = sorted({letter for term in terms for letter in term})
    result = random.sample(used, len(used) if random.random() < 0.6 else random.randint(1, len(used)))
    shapes = [[lengths[letter] for letter in term] for term in terms]
    return f"{','.join(map(''.join, terms))}->{''.join(result)}", shapes


@pytest.mark.parametrize("case", [case for case in CASES if case.operator.name not in ("lstm", "gru", "rnn")], ids=str)
def test_the_products_of_an_operator_are_its_macs(case: Case) -> None:
    """Of data alone nothing but weights needs gradients: a forward pass, and one more for each weight. (But of a
    recurrence the states, too.)"""
    net = case.network()
    costs = CostModel(net.program)
    (op,) = [node for node in net.program.entry.nodes if isinstance(node, Op)]
    forward = substitute(costs.op(op).macs, SIZES)
    once = {name: size for name, size in SIZES.items() if name != net.program.batch_symbol}
    once |= {net.program.batch_symbol or "": 1}
    weights = bool(op.op.weights(*(value.type for value in op.inputs)) or op.op.borrowed())
    assert substitute(TrainingModel(net.program).macs, once) == substitute(forward, once) * (2 if weights else 1)


@pytest.mark.parametrize(
    ("call", "inputs"),
    [
        ("conv(8, 3, stride = 2)", ("f32[2, 3, 9, 8]",)),
        ("linear(5)", ("f32[2, 3, 4]",)),
        ("matmul", ("f32[2, 3, 4]", "f32[2, 4, 5]")),
        ("matmul", ("f32[N, 2, T, 4]", "f32[1, 2, 4, T]")),
        ('einsum("bqhd,bkhd->bhqk")', ("f32[2, 3, 2, 4]", "f32[2, 5, 2, 4]")),
        ('einsum("ab,bc,cd->da")', ("f32[2, 3]", "f32[3, 4]", "f32[4, 5]")),
        ('einsum("abx,bcy->ca")', ("f32[2, 3, 4]", "f32[3, 5, 6]")),
        ("attention", ("f32[N, T, 4]", "f32[N, T, 4]", "f32[N, T, 4]")),
        ("attention(2)", ("f32[2, 3, 4]", "f32[2, 5, 4]", "f32[2, 5, 6]")),
        ("lstm(3, 2, bidirectional)", ("f32[N, T, 4]",)),
        ("lstm(3, !bias)", ("f32[N, T, 4]", "f32[1, N, 3]", "f32[1, N, 3]")),
        ("gru(3, 2)", ("f32[N, T, 4]", "f32[2, N, 3]")),
        ("rnn(3, bidirectional)", ("f32[N, T, 4]",)),
        ("rnn(4, bidirectional, skip_input)", ("f32[N, T, 4]", "f32[2, N, 4]")),
        ("conv(4, 1) -> relu -> conv(4, 3) -> global_avg_pool -> linear(2)", ("f32[2, 3, 8, 8]",)),
    ],
)
@pytest.mark.parametrize("learned", [True, False])
def test_training_macs_are_those_of_the_flop_counter(call: str, inputs: tuple[str, ...], learned: bool) -> None:
    """Of its depthwise and grouped backward passes the counter is wrong; those are not here."""
    names = ", ".join(f"x{i}" for i in range(len(inputs)))
    declared = "\n".join(f" input x{i}: {type}" for i, type in enumerate(inputs))
    plain = load(f"model m {{\n{declared}\n {f'[{names}]' if len(inputs) > 1 else 'x0'} -> {call}\n output y\n}}")
    net = trained(call, inputs) if learned else plain
    given = [torch.randn([int(SIZES.get(d, d)) for d in re.findall(r"\w+", type)[1:]]) for type in inputs]
    module = net.torch().train()
    math = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
    with FlopCounterMode(display=False) as counter, math, mkldnn(enabled=False):
        result = module(*given)
        if result.requires_grad:
            result.sum().backward()
    assert 2 * substitute(TrainingModel(net.program).macs, SIZES) == counter.get_total_flops()
