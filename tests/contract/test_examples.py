"""Every example of every operator against independent oracles: PyTorch's modules, PyTorch's counter of FLOPs,
ONNX's own checker and shape inference, onnxruntime, and a float64 evaluator written from the definitions."""

from itertools import permutations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from contract_cases import CASES, IDS, SIZES, Case, difference, model_text, operators, reach_text
from measured import mkldnn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archdsl.analysis.conventions import find
from archdsl.analysis.cost import CostModel
from archdsl.analysis.recount import Recount
from archdsl.api import load
from archdsl.ir.operator import FLOP_KINDS, MAC_KINDS
from archdsl.ops import catalogue

TOLERANCE = 1e-5
every_example = pytest.mark.parametrize("case", CASES, ids=IDS)


def torch_module(case: Case) -> torch.nn.Module:
    """The generated module in inference mode, with the random weights."""
    module = case.module()
    module.load_state_dict({path: torch.from_numpy(array.copy()) for path, array in case.weights().items()})
    return module.eval()


def run_torch(case: Case, module: torch.nn.Module) -> list[torch.Tensor]:
    result = module(*(torch.from_numpy(array) for array in case.arrays().values()))
    return list(result) if isinstance(result, (tuple, list)) else [result]


def concrete_model(case: Case, opset: int) -> onnx.ModelProto:
    return case.network(concrete=True).onnx_model(case.weights(), opset=opset)


def run_onnx(case: Case, opset: int) -> list[np.ndarray]:
    model = case.network().onnx_model(case.weights(), opset=opset)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # threads of its own take longer to start and to end than such a model
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, case.arrays())


@pytest.mark.parametrize("operator", operators(), ids=lambda operator: operator.name)
def test_every_operator_has_an_example_with_its_result(operator) -> None:
    assert any(example.output for example in operator.examples)


@every_example
def test_the_types_are_those_the_example_states(case: Case) -> None:
    if not case.example.output:
        pytest.skip("the example states no result")
    outputs = case.network().program.outputs
    assert ", ".join(str(output.value.type) for output in outputs) == case.example.output


@every_example
def test_types_survive_binding_the_symbols(case: Case) -> None:
    bound = [output.value.type for output in case.network(concrete=True).program.outputs]
    assert bound == [output.value.type.substitute(SIZES) for output in case.network().program.outputs]


@every_example
def test_the_reach_is_what_the_example_states(case: Case) -> None:
    op, inputs, outputs = case.declared()
    assert reach_text(op.reach(inputs, outputs), inputs) == case.example.reach


@every_example
def test_work_is_stated_for_every_kind_it_names(case: Case) -> None:
    op, inputs, outputs = case.op()
    work = op.work(inputs, outputs)
    assert set(work) <= {*MAC_KINDS, *FLOP_KINDS}
    assert all(isinstance(amount, int) and amount >= 0 for amount in work.values())


@every_example
def test_an_operator_prints_as_a_call_that_reads_back_as_itself(case: Case) -> None:
    op, _, _ = case.op()
    again = Case(case.operator, type(case.example)(repr(op), case.example.inputs))
    assert again.op()[0] == op


@every_example
def test_pytorch_gives_the_inferred_shapes_and_the_reference_values(case: Case) -> None:
    _, _, types = case.op()
    found = run_torch(case, torch_module(case))
    assert [tuple(tensor.shape) for tensor in found] == [type.dims for type in types]
    for tensor, expected in zip(found, case.expected(), strict=True):
        assert difference(tensor.detach().numpy(), expected) <= TOLERANCE


@every_example
def test_pytorch_takes_inputs_however_they_lie_in_memory(case: Case) -> None:
    """As after a transposition or a cut. They need gradients, as what a network computes does."""
    arrays = [torch.from_numpy(array) for array in case.arrays().values()]
    module = torch_module(case)
    results = run_torch(case, module)
    for order in permutations(range(max((x.ndim for x in arrays), default=0))):
        for gaps in (False, True):
            given = [laid(x, [axis for axis in order if axis < x.ndim], gaps) for x in arrays]
            found = module(*given)
            for y, expected in zip(found if isinstance(found, tuple) else (found,), results, strict=True):
                assert torch.allclose(y, expected, rtol=1e-4, atol=1e-5)
                if y.requires_grad:
                    y.sum().backward(retain_graph=True)


def laid(x: torch.Tensor, order: list[int], gaps: bool) -> torch.Tensor:
    """The same tensor with its axes in this order in memory, and gaps between its elements."""
    moved = x.permute(order)
    moved = torch.stack((moved, moved), -1)[..., 0] if gaps else moved.contiguous()
    return moved.permute([order.index(axis) for axis in range(x.ndim)]).detach().requires_grad_(x.is_floating_point())


@every_example
def test_pytorch_holds_the_weights_that_are_counted(case: Case) -> None:
    op, inputs, _ = case.op()
    module = case.module()
    weights = op.weights(*inputs)
    trainable = sum(weight.elements for weight in weights if weight.trainable)
    assert sum(parameter.numel() for parameter in module.parameters()) == trainable
    state = sum(weight.elements for weight in weights if not weight.trainable)
    assert sum(value.numel() for value in module.state_dict().values()) == trainable + state
    assert list(module.state_dict()) == list(case.network().weights())


@every_example
def test_pytorch_counts_twice_the_macs_as_flops(case: Case) -> None:
    op, inputs, outputs = case.op()
    work = op.work(inputs, outputs)
    counter = FlopCounterMode(display=False)
    # oneDNN runs an LSTM as one operation, of which the counter knows nothing; without it the products are seen.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), mkldnn(enabled=False), counter:
        run_torch(case, torch_module(case))
    assert counter.get_total_flops() == 2 * sum(work.get(kind, 0) for kind in MAC_KINDS)


@every_example
def test_the_convention_of_pytorchs_counter_misses_no_product_but_an_lstms(case: Case) -> None:
    model = CostModel(case.network().program)
    tally = Recount(model, find("torch")).total
    assert set(tally.unseen) <= {"nn.LSTM"}
    assert tally.total == (0 if tally.unseen else model.total.macs * 2)


@every_example
@pytest.mark.parametrize("opset", [18, 20, 22])
def test_onnx_checks_and_infers_the_same_shapes(case: Case, opset: int) -> None:
    _, _, types = case.op()
    model = concrete_model(case, opset)
    onnx.checker.check_model(model, full_check=True)
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    del bare.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    shapes = [tuple(dim.dim_value for dim in output.type.tensor_type.shape.dim) for output in inferred.graph.output]
    assert shapes == [type.dims for type in types]


@every_example
@pytest.mark.parametrize("opset", [18, 20, 22])
def test_onnxruntime_gives_the_reference_values(case: Case, opset: int) -> None:
    for found, expected in zip(run_onnx(case, opset), case.expected(), strict=True):
        assert difference(found, expected) <= TOLERANCE


@pytest.mark.parametrize(
    ("call", "type", "nodes"),
    [
        ("prelu", "f32[2, 3, 4, 4]", ["PRelu"]),
        ("prelu(4)", "f32[2, 4]", ["PRelu"]),
        ("prelu(3)", "f32[2, 3, 4, 4]", ["Reshape", "PRelu"]),
        ("prelu(3)", "f32[N, 3, H]", ["Reshape", "PRelu"]),
    ],
)
def test_slopes_are_given_axes_only_where_they_would_meet_others(call: str, type: str, nodes: list[str]) -> None:
    model = load(model_text(call, (type,))).onnx_model()
    assert [node.op_type for node in model.graph.node] == nodes


@pytest.mark.parametrize(
    ("pattern", "inputs", "nodes"),
    [
        ("ij,jk->ik", ("f32[2, 3]", "f32[3, 4]"), ["MatMul"]),
        ("nij,jk->nik", ("f32[N, 2, 3]", "f32[3, 4]"), ["MatMul"]),
        ("nij,nkj->nik", ("f32[N, 2, 3]", "f32[N, 4, 3]"), ["Transpose", "MatMul"]),
        ("nji,njk->nik", ("f32[N, 3, 2]", "f32[N, 3, 4]"), ["Transpose", "MatMul"]),
        ("ij,jk->ki", ("f32[2, 3]", "f32[3, 4]"), ["Einsum"]),
        ("ij,j->i", ("f32[2, 3]", "f32[3]"), ["Einsum"]),
        ("jn,nk->jnk", ("f32[2, 3]", "f32[3, 4]"), ["Einsum"]),
        ("ij,jk,kl->il", ("f32[2, 3]", "f32[3, 4]", "f32[4, 5]"), ["Einsum"]),
        ("ij->ji", ("f32[2, 3]",), ["Einsum"]),
    ],
)
def test_an_einsum_is_a_matmul_where_the_axes_lie_as_it_takes_them(
    pattern: str, inputs: tuple[str, ...], nodes: list[str]
) -> None:
    model = load(model_text(f'einsum("{pattern}")', inputs)).onnx_model()
    assert [node.op_type for node in model.graph.node] == nodes


def test_every_name_of_the_catalogue_is_an_operator_that_answers_to_it() -> None:
    for name in catalogue.names():
        operator = catalogue.lookup(name)
        assert operator is not None
        assert name == operator.name or name in operator.aliases


def test_every_operator_of_a_family_module_is_in_the_catalogue() -> None:
    from importlib import import_module

    for family, names in catalogue.FAMILIES.items():
        module = import_module(f"archdsl.ops.{family}")
        defined = {name for operator in module.OPERATORS for name in (operator.name, *operator.aliases)}
        assert defined == set(names)


def test_a_name_outside_the_catalogue_is_no_operator() -> None:
    assert catalogue.lookup("convolution") is None


VIEWS = [case for case in CASES if case.operator.view and case.operator.name != "constant"]


@pytest.mark.parametrize("case", VIEWS, ids=str)
def test_a_view_does_no_work_and_computes_nothing_from_its_input(case: Case) -> None:
    op, inputs, outputs = case.op()
    assert dict(op.work(inputs, outputs)) == {}
    known = np.concatenate([array.reshape(-1) for array in case.arrays().values()] or [np.zeros(0)])
    weights = np.concatenate([array.reshape(-1) for array in case.weights().values()] or [np.zeros(0)])
    for expected in case.expected():
        assert np.isin(expected, np.concatenate([known, weights])).all()
