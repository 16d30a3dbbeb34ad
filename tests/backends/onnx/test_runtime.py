"""Running: the device asked for or a refusal, inputs from files, outputs described."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.feeds import IMAGE_DEVIATION, IMAGE_MEAN
from archdsl.runtime import describe, feeds, index_bounds, inputs_of, provider_of, run, session
from archdsl.types.dim_text import evaluate

IMAGE = "model m { input image: f32[N, 3, 4, 6]\n relu\n output y }"
ANY_IMAGE = "model m { input image: f32[N, 1, H, W]\n relu\n output y }"
TOKENS = "model m { input ids: i64[N, T]\n embedding(9, 4)\n output y }"
TWO = "model m { input a: f32[N, T]\n input b: f32[N, T]\n [a, b] -> add\n output y }"


def created(text: str):
    return archdsl.load(text).session()


def refused(call, *arguments, **options) -> tuple[str, str]:
    with pytest.raises(ArchError) as error:
        call(*arguments, **options)
    return error.value.diagnostics[0].code, str(error.value)


def test_a_session_says_which_provider_it_uses():
    assert provider_of(created(TOKENS)) == "CPUExecutionProvider"


def test_a_device_without_its_provider_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    code, text = refused(archdsl.load(TOKENS).session, device="cuda")
    assert code == "E0802" and "pip install onnxruntime-gpu" in text


def test_a_provider_that_fails_to_start_is_refused_and_not_replaced(monkeypatch: pytest.MonkeyPatch):
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    real = onnxruntime.InferenceSession
    archdsl.load(TOKENS).session()  # the class of checked sessions derives from the real one

    def falls_back(source: object, options: object, providers: list[str]):
        assert providers == ["CUDAExecutionProvider", "CPUExecutionProvider"]
        return real(source, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(onnxruntime, "InferenceSession", falls_back)
    code, text = refused(archdsl.load(TOKENS).session, device="cuda")
    assert code == "E0802" and "fails to start" in text


@pytest.mark.gpu
@pytest.mark.skipif("CUDAExecutionProvider" not in onnxruntime.get_available_providers(), reason="no CUDA")
def test_cuda_computes_what_the_cpu_computes():
    network = archdsl.load(IMAGE)
    gpu = network.session(device="cuda")
    assert provider_of(gpu) == "CUDAExecutionProvider"
    inputs = feeds(gpu)
    assert np.allclose(run(gpu, inputs)["y"], run(network.session(), inputs)["y"])


def test_an_unknown_device_is_a_value_error():
    with pytest.raises(ValueError, match="tpu"):
        archdsl.load(TOKENS).session(device="tpu")


def test_a_missing_package_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, text = refused(session, "m.onnx")
    assert code == "E0801" and 'pip install "archdsl[onnx]"' in text


def test_files_that_are_no_models_are_refused(tmp_path: Path):
    path = tmp_path / "m.onnx"
    whole = archdsl.load(TOKENS).onnx_model().SerializeToString()
    for data in (b"", b"\x00", b"\xff" * 64, b"model m { }", whole[: len(whole) // 2]):
        path.write_bytes(data)
        assert refused(session, path)[0] == "E0830", data[:20]
    with pytest.raises(FileNotFoundError):
        session(tmp_path / "none.onnx")


@pytest.mark.parametrize("location", ["../secret.bin", "/SECRET"])
def test_weights_outside_the_models_directory_are_never_read(tmp_path: Path, location: str):
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    (tmp_path / "in").mkdir()
    weight = onnx.TensorProto(name="w", dims=[4], data_type=1, data_location=1)
    for key, value in (("location", location.replace("/SECRET", str(tmp_path / "secret.bin"))), ("length", "16")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    info = [onnx.helper.make_tensor_value_info(name, 1, [4]) for name in "xy"]
    node = onnx.helper.make_node("Add", ["x", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", info[:1], info[1:], [weight])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    (tmp_path / "in" / "m.onnx").write_bytes(model.SerializeToString())
    assert refused(session, tmp_path / "in" / "m.onnx")[0] == "E0830"


def test_large_models_reach_onnxruntime_through_files(monkeypatch: pytest.MonkeyPatch):
    network = archdsl.load("model m { input x: f32[N, 64]\n linear(64)\n output y }")
    inputs = {"x": np.ones((1, 64), np.float32)}
    inside = run(network.session(), inputs)["y"]
    monkeypatch.setattr("archdsl.runtime._LARGEST_MESSAGE", 100)
    assert np.array_equal(run(network.session(), inputs)["y"], inside)


def test_random_inputs_are_seeded_and_bounded_by_the_table_they_index():
    network = archdsl.load(TOKENS)
    model = network.session()
    assert index_bounds(network.program) == {"ids": 9}
    ids = feeds(model, dims={"N": 8, "T": 50}, bounds=index_bounds(network.program))["ids"]
    assert ids.shape == (8, 50) and ids.dtype == np.int64 and set(ids.flat) == set(range(9))
    assert set(feeds(model, dims={"T": 50})["ids"].flat) == {0, 1}
    assert np.array_equal(ids, feeds(model, dims={"N": 8, "T": 50}, bounds={"ids": 9})["ids"])
    assert not np.array_equal(ids, feeds(model, dims={"N": 8, "T": 50}, bounds={"ids": 9}, seed=1)["ids"])


def test_the_batch_is_one_and_other_symbols_64_unless_given():
    assert feeds(created(ANY_IMAGE))["image"].shape == (1, 1, 64, 64)
    assert feeds(created(ANY_IMAGE), dims={"H": 5, "N": 2})["image"].shape == (2, 1, 5, 64)


def test_data_given_for_one_input_fixes_symbols_of_the_others(tmp_path: Path):
    np.save(tmp_path / "b.npy", np.ones((3, 7)))
    model = created(TWO)
    arrays = feeds(model, {"b": str(tmp_path / "b.npy")})
    assert arrays["a"].shape == (3, 7) and arrays["b"].dtype == np.float32
    assert np.array_equal(run(model, arrays)["y"], arrays["a"] + 1)


def test_a_name_may_be_left_out_for_the_first_input(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.full((2, 3), 5, np.float32))
    assert (feeds(created(TWO), {"": str(tmp_path / "a.npy")})["a"] == 5).all()


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path):
    path = tmp_path / "x.npy"
    for array in (
        np.zeros((1, 3, 4, 5)),
        np.zeros((1, 3, 4)),
        np.zeros((1, 3, 4, 6), int),
        np.zeros((1, 3, 4, 6), "U1"),
    ):
        np.save(path, array)
        assert refused(feeds, created(IMAGE), {"image": str(path)})[0] == "E0831"
    np.save(path, np.zeros((1, 3, 4, 6), object), allow_pickle=True)
    assert refused(feeds, created(IMAGE), {"image": str(path)})[0] == "E0831"
    assert refused(feeds, created(IMAGE), {"imgae": "random"})[0] == "E0831"


def test_damaged_arrays_are_refused(tmp_path: Path):
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((1, 3, 4, 6), np.float32))
    data = path.read_bytes()
    huge = data.replace(b"(1, 3, 4, 6)", b"(10**9, 9, )")
    for damaged in (b"", data[:5], data[:50], data[:-1], huge, b"PK\x03\x04", b"\x80\x04."):
        path.write_bytes(damaged)
        assert refused(feeds, created(IMAGE), {"image": str(path)})[0] == "E0831", damaged[:20]


def test_a_colour_image_is_resized_scaled_and_normalised(tmp_path: Path):
    path = tmp_path / "red.png"
    Image.new("RGB", (30, 20), (255, 0, 51)).save(path)
    image = feeds(created(IMAGE), {"image": str(path)})["image"]
    assert image.shape == (1, 3, 4, 6) and image.dtype == np.float32
    expected = (np.array([1, 0, 0.2]) - IMAGE_MEAN) / IMAGE_DEVIATION
    assert np.allclose(image, expected[None, :, None, None], atol=1e-6)


def test_a_grey_image_keeps_its_size_where_the_input_has_any_and_is_only_scaled(tmp_path: Path):
    path = tmp_path / "grey.png"
    Image.fromarray(np.arange(35, dtype=np.uint8).reshape(5, 7)).save(path)
    image = feeds(created(ANY_IMAGE), {"image": str(path)})["image"]
    assert np.allclose(image[0, 0], np.arange(35).reshape(5, 7) / 255)
    assert feeds(created(ANY_IMAGE), {"image": str(path)}, dims={"H": 3, "N": 4})["image"].shape == (4, 1, 3, 7)


def test_files_that_are_no_images_are_refused(tmp_path: Path):
    path = tmp_path / "x.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    data = path.read_bytes()
    for damaged in (b"", b"hello", data[:40], data[:60]):
        path.write_bytes(damaged)
        assert refused(feeds, created(IMAGE), {"image": str(path)})[0] == "E0831", damaged[:20]
    path.write_bytes(data)
    assert refused(feeds, created(TOKENS), {"ids": str(path)})[0] == "E0831"
    with pytest.raises(FileNotFoundError):
        feeds(created(IMAGE), {"image": str(tmp_path / "none.png")})


def test_a_failing_run_is_a_diagnostic():
    text = "model m { input ids: i64[N, T]; embedding(16, 4); output y }"
    with pytest.raises(ArchError) as error:
        run(created(text), {"ids": np.full((1, 3), 16)})
    assert error.value.diagnostics[0].code == "E0832"


def test_a_failing_run_says_which_sizes_it_had():
    text = "model m { input ids: i64[N, T]; ids -> positions -> transpose(0, 1) -> embedding(16, 4); output y }"
    session = created(text)
    with pytest.raises(ArchError) as error:
        run(session, feeds(session))
    assert error.value.diagnostics[0].help == "it ran with T = 64; other sizes are set with --dim NAME=SIZE"
    assert run(session, feeds(session, dims={"T": 16}))["y"].shape == (16, 1, 4)


def test_outputs_are_described_with_the_best_classes_of_scores():
    scores = describe("logits", np.array([[1.0, 5.0, 3.0, 5.0, -2.0, 0.0, 4.0]], np.float32))
    assert (scores.minimum, scores.maximum, scores.shape) == (-2, 5, (1, 7))
    assert [index for index, _ in scores.top] == [1, 3, 6, 2, 0]
    assert describe("maps", np.ones((1, 2, 3))).top == ()


def test_dimension_texts_are_evaluated_as_arithmetic_and_nothing_else():
    assert evaluate("2*(H + 31) // 32 - N**2", {"H": 33, "N": 1}) == 2 * 64 // 32 - 1
    assert evaluate("batch size", {"batch size": 3}) == 3
    for hostile in (
        "H",
        "__import__('os')",
        "1/0",
        "9**9**9**9",
        "((((",
        "(" * 190,
        "x" * 10_000,
        "1 // 0",
        "",
        "f(1)",
    ):
        assert evaluate(hostile, {}) is None


def test_inputs_are_listed_with_their_shapes():
    (image,) = inputs_of(created(ANY_IMAGE))
    assert (image.name, image.dtype, image.shape) == ("image", "float32", ("N", 1, "H", "W"))
