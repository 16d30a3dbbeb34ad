"""Counts are exact: the cases that counting tools get wrong, one spec each, and every spec of the zoo, against what the
generated module holds, PyTorch's own counter of FLOPs, and an executor that carries the program out."""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import pytest
import random_networks
import torch
from brute_force import applications, count, multiplications
from contract_cases import CASES, IDS, Case
from measured import kept_bytes
from operations import singles, total_operations
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import flop_counter
from torch.utils.flop_counter import FlopCounterMode
from zoo_specs import SIZES, instances, program

import archdsl
from archdsl.analysis.cost import Cost, CostModel, cost
from archdsl.analysis.field import FieldModel
from archdsl.analysis.liveness import LivenessModel
from archdsl.analysis.training import TrainingModel
from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.loader import load_file
from archdsl.ir.flatten import flat_sizes, weights
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS, WorkKind
from archdsl.ir.program import Call, Op, Program, Repeat, walk
from archdsl.limits import Limits
from archdsl.ops.linear import Linear
from archdsl.spec_tests import run_tests
from archdsl.types.dims import Dim, substitute
from archdsl.verify import verify

MICRO = sorted((Path(__file__).parent / "micro").glob("*.arch"))
"""Constructs that parameter and FLOP counters in use get wrong, each as small as it goes. Two have no counterpart: a
frozen layer, as a spec does not say what is trained, and a subclass of a layer, as there are no classes."""

DEEPEST = 110
"""Layers up to which PyTorch is asked to run an instance. Deeper ones are more of the same blocks, and take PyTorch's
counter seconds each; the executor counts them as well."""

FORWARD_ONLY = {"perceptron", "threshold_network", "fractalnet", "ultra_deep"}
"""Models whose training step PyTorch is not asked about: thresholds have no gradient, and a fractal's joins choose
between columns by a product in training."""


def conv_backward_flop(
    grad: torch.Tensor, x: torch.Tensor, w: torch.Tensor, *rest: Any, out_val: object = None, **named: Any
) -> int:
    """PyTorch's own formula, which forgets the groups, where there is one group; else as many products as the forward
    pass for each gradient."""
    transposed, groups, wanted = rest[4], rest[6], rest[7]
    if groups == 1:
        return flop_counter.conv_backward_flop(grad, x, w, *rest, out_val=out_val, **named)
    return 2 * (x if transposed else grad).numel() * prod(w.shape[1:]) * sum(wanted[:2])


conv_backward_flop._get_raw = True  # pyright: ignore[reportFunctionMemberAccess]  # tensors, not their shapes


ZOO = instances()
SHALLOW = [case for case in ZOO if case[2].get("depth", 0) <= DEEPEST and case[1] != "preact_resnet1001"]


def micro_programs() -> list[tuple[str, Program]]:
    """Every model of the micro-cases as it stands."""
    found: list[tuple[str, Program]] = []
    for path in MICRO:
        module = load_file(path, Sink(), Limits())
        assert module is not None
        found += [(name, archdsl.load(path, name).program) for name in module.models]
    return found


MICRO_PROGRAMS = micro_programs()
micro_program = pytest.mark.parametrize("net", [net for _, net in MICRO_PROGRAMS], ids=[n for n, _ in MICRO_PROGRAMS])


@pytest.mark.parametrize("path", MICRO, ids=lambda path: path.stem)
def test_a_case_that_counters_get_wrong_is_exact(path: Path) -> None:
    sink = Sink()
    module = load_file(path, sink, Limits())
    assert module is not None
    results = run_tests(module, sink, Limits())
    assert not sink.found, render_text(sink.found)
    assert {result.name.split("(")[0] for result in results} == set(module.models), "a model without a test"
    assert [f"{r.name}: {c.text}: {c.computed}" for r in results for c in r.checks if not c.passed] == []


def samples(net: Program) -> tuple[int, Mapping[str, int]]:
    """How many samples `SIZES` means, and the sizes for one of them."""
    symbol = net.batch_symbol
    return (SIZES[symbol], {**SIZES, symbol: 1}) if symbol else (1, SIZES)


def on_meta(net: Program) -> tuple[torch.nn.Module, list[torch.Tensor]]:
    """The generated module and inputs for it, without memory. So a network of any size costs its calls only, and
    recurrent layers, whose kernel PyTorch's counter has no rule for, run as the products they are made of."""
    with torch.device("meta"):
        module = archdsl.Network(net, (), Limits()).torch()
        kinds = [value.type.substitute(SIZES) for value in net.inputs]
        dtypes = {"f32": torch.float32, "i64": torch.int64}
        return module, [torch.zeros([int(n) for n in kind.dims], dtype=dtypes[kind.dtype]) for kind in kinds]


def fixed(figure: Dim, sizes: Mapping[str, int]) -> int:
    found = substitute(figure, sizes)
    assert isinstance(found, int)
    return found


def check_against_pytorch(net: Program, backward: bool = False) -> None:
    total = cost(net)
    module, inputs = on_meta(net)
    assert sum(parameter.numel() for parameter in module.parameters()) == total.params
    statistics = [buffer.numel() for path, buffer in module.named_buffers() if not path.endswith("num_batches_tracked")]
    assert sum(statistics) == total.buffers

    heads = any(output.train for output in net.outputs)
    number, sizes = samples(net)
    grouped = {torch.ops.aten.convolution_backward: conv_backward_flop}
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False, custom_mapping=grouped) as counter:
        result = module.train(heads or backward)(*inputs)
        assert counter.get_total_flops() == 2 * number * fixed(total.macs, sizes)
        if backward:
            sum(out.sum() for out in (result if isinstance(result, tuple) else (result,))).backward()
            assert counter.get_total_flops() == 2 * fixed(TrainingModel(net).macs, SIZES)


@micro_program
def test_pytorch_counts_the_same_for_a_micro_case(net: Program) -> None:
    check_against_pytorch(net)


@pytest.mark.parametrize(("name", "model", "arguments"), SHALLOW, ids=str)
def test_pytorch_counts_the_same_for_a_spec_and_for_training_a_model_as_it_stands(
    name: str, model: str, arguments: dict[str, object]
) -> None:
    net = program(name, model, **arguments)
    check_against_pytorch(net, backward=not arguments and model not in FORWARD_ONLY)


def check_against_the_executor(net: Program) -> None:
    total = cost(net)
    _, sizes = samples(net)
    applied = applications(net, sizes)
    assert count(applied) == fixed(total.macs, sizes)
    assert total_operations(applied) == singles({kind: fixed(amount, sizes) for kind, amount in total.work.items()})
    stored = list(weights(net, Limits()))
    assert sum(weight.elements for _, weight in stored if weight.trainable) == total.params
    assert sum(weight.elements for _, weight in stored if weight.role == "statistic") == total.buffers


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_carrying_an_operator_out_takes_the_multiplications_it_states(case: Case) -> None:
    op, inputs, outputs = case.op()
    work = op.work(inputs, outputs)
    assert multiplications(op, inputs) == sum(work.get(kind, 0) for kind in MAC_KINDS)


@micro_program
def test_carrying_a_micro_case_out_takes_the_operations_counted(net: Program) -> None:
    check_against_the_executor(net)


@pytest.mark.parametrize(("name", "model", "arguments"), ZOO, ids=str)
def test_carrying_a_spec_out_takes_the_operations_counted(name: str, model: str, arguments: dict[str, object]) -> None:
    check_against_the_executor(program(name, model, **arguments))


def random_programs() -> dict[int, Program]:
    """Programs of random specs by their seed, without the few that loops of loops make long."""
    found = {seed: archdsl.load(random_networks.text(seed)).program for seed in range(30)}
    return {seed: net for seed, net in found.items() if flat_sizes(net)[net.entry] <= 200}


RANDOM = random_programs()


@pytest.mark.parametrize("net", RANDOM.values(), ids=map(str, RANDOM))
def test_however_weights_are_used_counts_are_exact_and_both_engines_agree(net: Program) -> None:
    check_against_the_executor(net)
    check_against_pytorch(net, backward=True)
    module = archdsl.Network(net, (), Limits()).torch().train()
    assert kept_bytes(module, torch.zeros(SIZES["N"], random_networks.WIDTH)) == fixed(TrainingModel(net).kept, SIZES)
    assert verify(net).passed


@pytest.mark.parametrize("seed", range(12))
def test_steps_that_nothing_reads_disturb_no_analysis_beside_outputs_of_training(seed: int) -> None:
    net = archdsl.load(random_networks.text(seed, dead=True)).program
    assert flat_sizes(net)[net.entry] <= 1000
    check_against_the_executor(net)
    assert TrainingModel(net).macs and LivenessModel(net).peak.candidates and FieldModel(net).entry
    assert verify(net).passed


def test_random_programs_use_weights_in_every_way() -> None:
    nodes = [node for net in RANDOM.values() for function in net.functions for node, _ in walk(function.nodes)]
    assert sum(isinstance(node, Repeat) for node in nodes) >= 10
    again = [node for node in nodes if not isinstance(node, Repeat) and node.instance is not None]
    assert {type(node) for node in again} == {Op, Call}
    assert any(isinstance(node, Op) and node.op.borrowed() for node in nodes)
    assert any(node.train_only for node in nodes)
    assert any(node.recompute is not None for node in again)


def test_both_oracles_notice_a_product_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    net = program("digits", "digits")
    check_against_pytorch(net)
    check_against_the_executor(net)
    honest = Linear.work
    monkeypatch.setattr(
        Linear, "work", lambda self, inputs, outputs: {"linear": honest(self, inputs, outputs)["linear"] - 1}
    )
    for check in (check_against_pytorch, check_against_the_executor):
        with pytest.raises(AssertionError):
            check(net)


@pytest.mark.parametrize("kind", FLOP_KINDS)
def test_the_executor_notices_an_operation_too_few_of_any_kind(kind: WorkKind, monkeypatch: pytest.MonkeyPatch) -> None:
    net = program("lenet", "lenet_caffe") if kind == "pooling" else program("vit", "vit", layers=1)
    check_against_the_executor(net)
    honest = CostModel.op

    def wrong(self: CostModel, node: Op) -> Cost:
        found = honest(self, node)
        if found.work.get(kind, 0) != 0:
            found.work[kind] = found.work[kind] - 1
        return found

    monkeypatch.setattr(CostModel, "op", wrong)
    with pytest.raises(AssertionError):
        check_against_the_executor(net)


def test_training_a_depthwise_convolution_takes_three_times_its_forward_pass() -> None:
    # PyTorch's own formula says 34 for 32 channels.
    net = archdsl.load("""model m {
      input image: f32[N, 32, 8, 8]
      scale -> conv(32, 3, groups = 32, !bias)
      output y
    }""").program
    number, sizes = samples(net)
    assert fixed(TrainingModel(net).macs, SIZES) == 3 * number * fixed(cost(net).macs, sizes)
