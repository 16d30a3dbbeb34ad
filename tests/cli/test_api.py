"""The Python interface."""

import gc
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
from cli_support import GOOD

import archdsl


def test_a_path_and_its_text_are_the_same_network(spec: Path) -> None:
    costs = {archdsl.load(spec).cost(), archdsl.load(str(spec)).cost(), archdsl.load(GOOD).cost()}
    assert len(costs) == 1


def test_keywords_set_the_parameters_of_the_model(spec: Path) -> None:
    assert archdsl.load(spec, width=8, n=5).program.entry.arguments == {"width": 8, "n": 5, "kind": "a"}


def test_a_rejected_spec_raises_every_diagnostic_and_prints_them() -> None:
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.load(GOOD.replace("unit(width)", "unti(width)").replace("linear(10)", "lineer(10)"))
    assert len(error.value.diagnostics) == 2
    assert "--> <string>:5:" in str(error.value)
    assert not error.value.is_limit


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"model": "other"}, "E0612"),
        ({"widht": 3}, "E0605"),
        ({"dims": {"H": 3}}, "E0606"),
        ({"limits": archdsl.Limits(source_bytes=10)}, "E0901"),
    ],
)
def test_what_does_not_fit_the_model_is_a_coded_error(arguments: dict[str, object], code: str) -> None:
    with pytest.raises(archdsl.ArchError) as error:
        archdsl.load(GOOD, **arguments)  # type: ignore[arg-type]
    assert [found.code for found in error.value.diagnostics] == [code]


def test_a_missing_file_is_a_coded_error() -> None:
    with pytest.raises(archdsl.ArchError, match="no-such-file"):
        archdsl.load("no-such-file.arch")


def test_warnings_come_with_the_network() -> None:
    net = archdsl.load("model m() { input x: f32[N, 3, 8, 8]; linear(4); output y }")
    assert [found.severity for found in net.warnings] == ["warning"]


def test_a_network_says_what_it_is(spec: Path) -> None:
    net = archdsl.load(spec)
    assert net.name == "tiny"
    assert "x: f32[N, 3, 8, 8]" in repr(net)


def test_the_module_computes_what_the_session_computes(spec: Path) -> None:
    torch = pytest.importorskip("torch")
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("onnxruntime")
    net = archdsl.load(spec)
    module = net.torch().eval()
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    (found,) = net.session(weights=module.state_dict()).run(None, {"x": x.numpy()})
    with torch.no_grad():
        numpy.testing.assert_allclose(found, module(x).numpy(), atol=1e-5)


def test_weights_depend_on_the_seed_alone(spec: Path) -> None:
    numpy = pytest.importorskip("numpy")
    one, again, other = (archdsl.load(spec).weights(seed) for seed in (1, 1, 2))
    assert all(numpy.array_equal(one[path], again[path]) for path in one)
    assert any(not numpy.array_equal(one[path], other[path]) for path in one)


def test_the_model_in_memory_is_the_file(spec: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    net = archdsl.load(spec)
    net.onnx(tmp_path / "net.onnx", seed=3)
    written = onnx.load(tmp_path / "net.onnx")
    assert {t.name for t in written.graph.initializer} == {t.name for t in net.onnx_model(seed=3).graph.initializer}


def test_an_attribute_the_package_has_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = archdsl.nothing


def test_every_public_name_can_be_reached() -> None:
    for name in archdsl.__all__:
        assert getattr(archdsl, name) is not None
    assert dir(archdsl) == archdsl.__all__


@pytest.mark.parametrize("arguments", [["show"], ["count", "--depth", "3", "--format", "json"]])
def test_hash_seeds_change_nothing(spec: Path, arguments: list[str]) -> None:
    outputs: set[str] = set()
    for seed in ("0", "1", "2"):
        command = [sys.executable, "-m", "archdsl", arguments[0], str(spec), *arguments[1:]]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_a_path_may_name_its_model_as_on_the_command_line(spec: Path) -> None:
    assert archdsl.load(f"{spec}:tiny", width=8).cost().params == archdsl.load(spec, "tiny", width=8).cost().params
    with pytest.raises(archdsl.ArchError, match="no model `tony`"):
        archdsl.load(f"{spec}:tony")


def test_an_output_that_cannot_be_written_is_named(spec: Path, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "x.onnx"
    with pytest.raises(FileNotFoundError) as caught:
        archdsl.load(spec).onnx(target)
    assert caught.value.filename == str(target)


@pytest.mark.parametrize(
    ("name", "said"), [("x.onnx", "an ONNX model"), ("x.py", "is Python"), ("x.pt", "a file of weights")]
)
def test_a_file_of_another_kind_is_told_from_a_spec_by_its_name(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\xff\x00")
    with pytest.raises(archdsl.ArchError, match=said) as caught:
        archdsl.load(tmp_path / name)
    assert [found.code for found in caught.value.diagnostics] == ["E0607"]


# -------------------------------------------------------------------------------------------------- figures as data


def test_rows_are_the_table_as_data(spec: Path) -> None:
    net = archdsl.load(spec)
    rows = net.rows(2, columns=["path", "params", "macs", "field"])
    assert [row["path"] for row in rows][:3] == ["layer.0", "layer.0.conv", "layer.0.batch_norm"]
    assert sum(row["params"] for row in net.rows()) == net.cost().params  # pyright: ignore[reportArgumentType]
    assert all(isinstance(row["macs"], int) for row in rows)
    with pytest.raises(ValueError, match="no column 'mac'"):
        net.rows(columns=["mac"])


def test_formulas_in_symbols_evaluate() -> None:
    net = archdsl.load("model m { input x: f32[N, 3, H, W]; conv(8, 3) -> relu; output y }")
    macs = net.cost().macs
    assert (str(macs), macs.evaluate(H=32, W=16, N=7)) == ("216*H*W", 216 * 32 * 16)  # pyright: ignore
    assert net.memory().saved.evaluate(N=2, H=4, W=4) == 2 * 8 * 4 * 4 * 4  # pyright: ignore
    with pytest.raises(ValueError, match="no size is given for W"):
        macs.evaluate(H=32)  # pyright: ignore
    with pytest.raises(ValueError, match="a size is at least 1, and W is 0"):
        macs.evaluate(H=32, W=0)  # pyright: ignore


def test_a_peak_that_depends_on_the_sizes_evaluates() -> None:
    peak = archdsl.load("model m { input x: f32[N, T, S]; transpose(1, 2); relu; output y }").memory().peak
    assert peak.evaluate(T=3, S=5) == 2 * 4 * 15  # pyright: ignore


def test_formulas_of_a_family_evaluate_to_the_counts() -> None:
    form = archdsl.formulas("densenet_bc", ["k"])
    for k in (24, 25, 40):
        assert form.evaluate("params", k=k) == archdsl.load("densenet_bc", k=k).cost().params
        assert form.evaluate("macs", k=k) == archdsl.load("densenet_bc", k=k).cost().macs
    with pytest.raises(ValueError, match="no value is given for k"):
        form.evaluate("params")
    with pytest.raises(ValueError, match="no figure 'parameters'"):
        form.evaluate("parameters", k=3)
    with pytest.raises(archdsl.ArchError, match="did you mean `k`"):
        archdsl.formulas("densenet_bc", ["kk"])


def test_the_models_of_a_file_come_with_their_parameters() -> None:
    (tiny,) = archdsl.models(GOOD)
    assert [(p.name, p.type, p.default, p.choices) for p in tiny.parameters] == [
        ("width", "", "4", ()),
        ("n", "int", "2", ()),
        ("kind", "", '"a"', ('"a"', '"b"')),
    ]
    assert [(model.name, model.preset_of) for model in archdsl.models("vit")][1] == (
        "vit_large",
        "vit(layers = 24, d = 1024, heads = 16)",
    )
    assert [model.name for model in archdsl.models("densenet_bc")] == ["densenet_bc"]


def test_checking_gives_what_the_command_prints(bad: Path) -> None:
    found = archdsl.check(bad)
    assert [(d.code, d.severity) for d in found] == [("E0202", "error"), ("E0202", "error")]
    assert archdsl.check(GOOD) == ()
    assert [d.code for d in archdsl.check("model m {")] == ["E0102"]
    assert [d.code for d in archdsl.check("model m(n = 1) { input x: f32[N, 4]; relu; output y }")] == ["W0201"]


def test_tests_give_their_figures() -> None:
    (result,) = archdsl.test(GOOD)
    assert (result.name, result.passed) == ("tiny", True)
    assert [(check.text, check.computed) for check in result.checks] == [("params > 0", "318")]
    with pytest.raises(archdsl.ArchError):
        archdsl.test(GOOD.replace("params > 0", "parms > 0"))


def test_verification_is_a_record(spec: Path) -> None:
    result = archdsl.load(spec).verify(seed=3)
    assert result.passed
    assert [(each.output, each.shape) for each in result.comparisons] == [("y", (1, 10))]


def test_the_source_of_a_built_class_can_be_asked_for(spec: Path) -> None:
    net = archdsl.load(spec)
    module = net.torch()
    source = inspect.getsource(type(module))
    assert source.startswith("class Tiny(nn.Module):")
    assert source.strip() in net.torch_source()
    assert inspect.getsource(type(module).forward).lstrip().startswith("def forward(self, x: Tensor) -> Tensor:")


def test_a_built_class_that_nobody_holds_is_forgotten() -> None:
    text = GOOD.replace("tiny", "forgotten_soon")
    module = archdsl.load(text).torch()
    name = type(module).__module__
    assert name in sys.modules
    del module
    gc.collect()
    assert name not in sys.modules


def test_keys_can_be_a_mapping(spec: Path) -> None:
    net = archdsl.load(spec)
    weights = {f"net.{path}": array for path, array in net.weights(1).items()} | {"extra": net.weights()["linear.bias"]}
    module = net.torch(weights, keys={"net.*": "*", "extra": None})
    assert all((module.state_dict()[path].numpy() == array).all() for path, array in net.weights(1).items())
    with pytest.raises(archdsl.ArchError, match="1 `\\*` in the name and no `\\*` in the path"):
        net.torch(weights, keys={"net.*": "linear"})
    for wrong in (3, {"net.*": 4}, {5: "linear"}, ["net.*"]):
        with pytest.raises(TypeError, match="keys "):
            net.torch(weights, keys=wrong)  # type: ignore[arg-type]


TOKENS = "model m(d = 8) { input ids: i64[N, T]; embedding(50, d) -> linear(3); output y }"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: archdsl.load(GOOD, 3), "model is a name, not 3"),
        (lambda: archdsl.load(TOKENS, dims=3), 'such as {"H": 320}, and is not 3'),
        (lambda: archdsl.load(TOKENS, dims={3: 1}), 'such as {"H": 320}, and is not {3: 1}'),
        (lambda: archdsl.load(TOKENS, limits=3), "limits is an archdsl.Limits"),
        (lambda: archdsl.load(TOKENS).rows(depth="2"), "depth is a number of levels, not '2'"),
        (lambda: archdsl.load(TOKENS).rows(depth=-1), "depth is a number of levels, not -1"),
        (lambda: archdsl.load(TOKENS).table(depth=1.5), "depth is a number of levels, not 1.5"),
        (lambda: archdsl.load(TOKENS).rows(columns="params"), "columns is a list of names"),
        (lambda: archdsl.load(TOKENS).rows(columns=3), "columns is a list of names"),
        (lambda: archdsl.load(TOKENS).table(format="latex", caption=3), "caption is a text, not 3"),
        (lambda: archdsl.load(TOKENS).receptive_field(3), "label is a name or a path, not 3"),
        (lambda: archdsl.load(TOKENS).cost().macs.evaluate(T="3"), "T is a whole number, not '3'"),
        (lambda: archdsl.load(TOKENS).verify(dims=[("T", 3)]), "dims maps names of symbolic dimensions"),
        (lambda: archdsl.load(TOKENS).verify(dims={"T": "3"}), "T is a whole number, not '3'"),
        (lambda: archdsl.load(TOKENS).verify(weights=3), "weights is a path or maps paths to arrays, and is not int"),
        (lambda: archdsl.load(TOKENS).torch(weights=[1]), "weights is a path or maps paths to arrays, and is not list"),
        (lambda: archdsl.formulas(TOKENS, [3]), "names is a list of names of parameters, not [3]"),
        (lambda: archdsl.formulas(TOKENS, 3), "names is a list of names of parameters, not 3"),
        (lambda: archdsl.formulas(TOKENS, "d").evaluate("params", d="8"), "d is a whole number, not '8'"),
        (lambda: archdsl.load(TOKENS).session().run(None, 3), 'by name, {"ids": ...}, not an object of type int'),
        (lambda: archdsl.load(TOKENS).session().run("y", {"ids": ids()}), "a list of names, or None for all: ['y']"),
    ],
)  # fmt: skip
def test_an_argument_of_another_type_is_refused_in_words(call: Callable[[], object], words: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    assert words in str(error.value)


def ids(shape: tuple[int, ...] = (1, 5), dtype: str = "int64") -> "numpy.ndarray":
    return numpy.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("wanted", "feed", "message"),
    [
        (None, {}, "nothing is fed to the input `ids`"),
        (None, {"ids": ids(), "mask": ids()}, "the model has no input `mask`"),
        (None, {"ids": ids(dtype="int32")}, "the input `ids` takes int64, and int32 is fed"),
        (None, {"ids": ids((5,))}, "the input `ids` is of shape [N, T], and [5] is fed"),
        (None, {"ids": None}, "the input `ids` takes an array of int64, and not None"),
        (None, {"ids": "a.npy"}, "the input `ids` takes an array of int64, and not an object of type str"),
        (["logits"], {"ids": ids()}, "the model has no output `logits`"),
    ],
)
def test_what_a_session_cannot_take_is_a_coded_error(wanted: object, feed: dict[str, object], message: str) -> None:
    session = archdsl.load(TOKENS).session()
    with pytest.raises(archdsl.ArchError) as error:
        session.run(wanted, feed)
    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("E0831", message)
    assert session.run(["y"], {"ids": ids()})[0].shape == (1, 5, 3)
    assert session.run(None, {"ids": [[1, 2]]})[0].shape == (1, 2, 3)


def test_a_size_of_no_symbol_is_not_passed_over_by_verify() -> None:
    with pytest.raises(archdsl.ArchError, match="no symbolic dimension `H`"):
        archdsl.load(TOKENS).verify(dims={"H": 3})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (lambda: archdsl.load(TOKENS), "ids: i64[N, T]"),
        (lambda: archdsl.load(TOKENS).program, "m(d=8), 1 functions"),
        (lambda: archdsl.load(TOKENS).cost(), "params="),
        (lambda: archdsl.load(TOKENS).memory(), "weights="),
        (lambda: archdsl.load("model m { input x: f32[N, 3]; output y = relu }").receptive_field("y"), "()"),
        (lambda: archdsl.load("lenet:lenet5").receptive_field("c1"), "5 of axis 2 of image, stride 1"),
        (lambda: archdsl.load(TOKENS).verify(), "torch_error="),
        (lambda: archdsl.load(TOKENS).session(), "ids: tensor(int64) ['N', 'T'] -> y"),
        (lambda: archdsl.load(TOKENS).session().io_binding(), "nothing is bound"),
        (lambda: archdsl.check("model m { input x: f32[N, 3]; rleu; output y }"), "code='E0202'"),
        (lambda: archdsl.models("lenet"), "name='lenet5'"),
        (lambda: archdsl.test("lenet:lenet5"), "expected='60,000', computed='60,000', passed=True"),
        (lambda: archdsl.formulas(TOKENS, ["d"]), "formulas of params, buffers, macs, flops, activations in d"),
        (lambda: archdsl.Limits(steps=3), "Limits(steps=3)"),
        (lambda: archdsl.Limits(), "Limits()"),
    ],
)  # fmt: skip
def test_whatever_the_interface_returns_says_what_it_is(asked: Callable[[], object], words: str) -> None:
    shown = repr(asked())
    assert words in shown and " object at 0x" not in shown
