"""Every block of the standard library: typed into a model it has the shape, parameters and MACs of its paper."""

import pytest
from std_cases import CASES, Case

from archdsl.analysis.cost import cost
from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.ir.program import Program
from archdsl.ir.verifier import verify
from archdsl.limits import Limits
from archdsl.std import INDEX


def network(flow: str, given: str) -> tuple[Program | None, Sink]:
    sink = Sink()
    module = load_text(f"model net() {{\n  input x: f32[N, {given}]\n  {flow}\n  output y\n}}", sink, Limits())
    return (elaborate(module, "net", {}, {}, sink, Limits()) if module is not None else None), sink


def clean(flow: str, given: str) -> Program:
    found, sink = network(flow, given)
    assert not sink.found, render_text(sink.found)
    assert found is not None and verify(found) == []
    return found


def test_every_block_has_a_case() -> None:
    assert {case.block for case in CASES} == set(INDEX)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow)
def test_a_block_counts_what_its_closed_form_says(case: Case) -> None:
    found = clean(case.flow, case.given)
    assert str(found.outputs[0].value.type) == f"f32[N, {case.gives}]"
    total = cost(found)
    assert (total.params, total.macs) == (case.params, case.macs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.flow)
def test_a_block_runs_alike_in_pytorch_and_onnxruntime(case: Case) -> None:
    numpy = pytest.importorskip("numpy")
    torch = pytest.importorskip("torch")
    onnxruntime = pytest.importorskip("onnxruntime")
    from archdsl.backends.onnx.export import onnx_model
    from archdsl.backends.torch.build import build_module
    from archdsl.weights import initial

    found = clean(case.flow, case.given)
    arrays = initial(found, seed=3)
    module = build_module(found)
    assert sum(parameter.numel() for parameter in module.parameters()) == case.params
    module.load_state_dict({path: torch.from_numpy(array) for path, array in arrays.items()})
    x = numpy.random.default_rng(0).standard_normal([3, *map(int, case.given.split(","))], dtype=numpy.float32)
    with torch.no_grad():
        result = module.eval()(torch.from_numpy(x)).numpy()
        exact = module.double()(torch.from_numpy(x).double()).numpy()
    session = onnxruntime.InferenceSession(
        onnx_model(found, arrays).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (run,) = session.run(None, {"x": x})
    for output in (result, run):
        assert numpy.abs(output - exact).max() <= 1e-5 * numpy.abs(exact).max()


@pytest.mark.parametrize(
    ("flow", "given", "code"),
    [
        ("zero_padding(2)", "3, 8, 8", "E0315"),
        ("transition(1.5)", "6, 8, 8", "E0315"),
        ("self_attention(4)", "5, 6", "E0315"),
        ("channel_shuffle(4)", "6, 8, 8", "E0315"),
        ("pixel_shuffle(2)", "6, 8, 8", "E0315"),
        ("pixel_unshuffle(3)", "6, 8, 8", "E0315"),
        ("crop(4)", "6, 8, 8", "E0408"),
        ("center_crop(9, 2)", "6, 8, 8", "E0315"),
        ("highway { conv(4, 3) }", "3, 8, 8", "E0402"),
        ("dense_block(k = 12)", "3, 8, 8", "E0302"),
        ("squeeze_excite(6) -> squeeze_excit", "6, 8, 8", "E0202"),
    ],
)
def test_a_block_used_wrongly_is_reported_once(flow: str, given: str, code: str) -> None:
    found, sink = network(flow, given)
    assert found is None
    assert [item.code for item in sink.found] == [code]


REARRANGED = {
    "channel_shuffle(2)": lambda F, x: F.channel_shuffle(x, 2),
    "pixel_shuffle(2)": lambda F, x: F.pixel_shuffle(x, 2),
    "pixel_unshuffle(2)": lambda F, x: F.pixel_unshuffle(x, 2),
    "roll(3, -1)": lambda F, x: x.roll(3, -1),
    "roll(-1, 2) -> roll(13, 3)": lambda F, x: x.roll((-1, 13), (2, 3)),
    "roll(6, 3)": lambda F, x: x,
    "crop(1)": lambda F, x: x[:, :, 1:-1, 1:-1],
    "crop(0)": lambda F, x: x,
    "center_crop(5, 2)": lambda F, x: x[:, :, 1:6, 2:4],
}
"""What PyTorch has the same for."""


@pytest.mark.parametrize("flow", REARRANGED)
def test_a_block_that_moves_elements_moves_them_as_pytorch_does(flow: str) -> None:
    torch = pytest.importorskip("torch")
    from archdsl.backends.torch.build import build_module

    x = torch.arange(2 * 8 * 8 * 6.0).reshape(2, 8, 8, 6)
    assert torch.equal(build_module(clean(flow, "8, 8, 6"))(x), REARRANGED[flow](torch.nn.functional, x))


def test_a_dense_block_and_its_transition_need_nothing_but_their_names() -> None:
    found = clean("conv(24, 3, !bias) -> dense_block(k=12, n=16, bottleneck) -> transition(0.5)", "3, 32, 32")
    assert str(found.outputs[0].value.type) == "f32[N, 108, 16, 16]"


def test_different_bodies_of_one_block_keep_weights_of_their_own() -> None:
    pytest.importorskip("torch")
    from archdsl.backends.torch.build import build_module

    found = clean("maxout { conv(4, 3) } -> global_max_pool -> maxout { linear(5) }", "3, 8, 8")
    assert sum(parameter.numel() for parameter in build_module(found).parameters()) == cost(found).params


def test_residual_without_drop_is_an_addition() -> None:
    found = clean("residual { conv(3, 3) }", "3, 8, 8")
    (call,) = found.entry.nodes
    assert [str(call.outputs[0].type)] == ["f32[N, 3, 8, 8]"]
    assert cost(found).flops == 2 * cost(found).macs + 2 * 3 * 64
