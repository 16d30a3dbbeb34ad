"""Counts are exact: the cases that counting tools get wrong, one spec each, and every spec of the zoo, against what the
generated module holds, PyTorch's own counter of FLOPs, and an executor that carries the program out."""

from pathlib import Path

import pytest
import torch
from brute_force import multiplications
from contract_cases import CASES, IDS, Case
from counted import check_against_pytorch, check_against_the_executor, fixed, samples
from hypothesis import assume, given, settings
from measured import kept_bytes
from strategies.weight_uses import WIDTH, weight_uses
from zoo_specs import SIZES, instances, program

import archdsl
from archdsl.analysis.cost import Cost, CostModel, cost
from archdsl.analysis.field import FieldModel
from archdsl.analysis.liveness import LivenessModel
from archdsl.analysis.training import TrainingModel
from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.loader import load_file
from archdsl.ir.flatten import flat_sizes
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS, WorkKind
from archdsl.ir.program import Call, Op, Program, Repeat, walk
from archdsl.limits import Limits
from archdsl.ops.linear import Linear
from archdsl.spec_tests import run_tests
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


@micro_program
def test_pytorch_counts_the_same_for_a_micro_case(net: Program) -> None:
    check_against_pytorch(net)


@pytest.mark.parametrize(("name", "model", "arguments"), SHALLOW, ids=str)
def test_pytorch_counts_the_same_for_a_spec_and_for_training_a_model_as_it_stands(
    name: str, model: str, arguments: dict[str, object]
) -> None:
    net = program(name, model, **arguments)
    check_against_pytorch(net, backward=not arguments and model not in FORWARD_ONLY)


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


def short(text: str, most: int) -> Program:
    """The program of a generated spec, but for the few that loops of loops make long."""
    net = archdsl.load(text).program
    assume(flat_sizes(net)[net.entry] <= most)
    return net


@settings(max_examples=30)
@given(weight_uses())
def test_however_weights_are_used_counts_are_exact_and_both_engines_agree(text: str) -> None:
    net = short(text, 200)
    check_against_the_executor(net)
    check_against_pytorch(net, backward=True)
    module = archdsl.Network(net, (), Limits()).torch().train()
    assert kept_bytes(module, torch.zeros(SIZES["N"], WIDTH)) == fixed(TrainingModel(net).kept, SIZES)
    assert verify(net).passed


@settings(max_examples=12)
@given(weight_uses(dead=True))
def test_steps_that_nothing_reads_disturb_no_analysis_beside_outputs_of_training(text: str) -> None:
    net = short(text, 1000)
    check_against_the_executor(net)
    assert TrainingModel(net).macs and LivenessModel(net).peak.candidates and FieldModel(net).entry
    assert verify(net).passed


def test_random_programs_use_weights_in_every_way() -> None:
    nodes: list[Op | Call | Repeat] = []

    @settings(max_examples=100)
    @given(weight_uses())
    def collect(text: str) -> None:
        nodes.extend(node for function in short(text, 200).functions for node, _ in walk(function.nodes))

    collect()
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
