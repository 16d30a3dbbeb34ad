"""The generated source reads well, is laid out as ruff lays code out, and never runs what a spec's texts say."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from torch_cases import INSTANCES, TEXTS, from_spec, from_text

import archdsl
from archdsl.backends.torch.source import torch_source
from archdsl.diagnostics.model import ArchError
from archdsl.ir.program import Call, Function, Node, Program, Repeat

LONG = """
block a_block_with_quite_a_long_name_indeed(first_width, second_width, flag with_an_extra_layer) [N, c, ...S] {
  add {
    conv(first_width, 3) as the_first_convolution -> bn as the_first_normalisation -> relu
    conv(second_width, [1, 5]) as the_second_convolution -> bn as the_second_normalisation
  | if c != second_width { conv(second_width, 1, !bias) as the_projection_shortcut -> bn as the_projection_shortcut }
  }
  relu
}
model a_model_with_quite_a_long_name_indeed(a_rather_long_parameter_name = 12345, another_long_one = 67890) {
  input an_image_of_the_usual_size: f32[N, 3, 64, 64]
  a_block_with_quite_a_long_name_indeed(16, 32) -> a_block_with_quite_a_long_name_indeed(32, 32)
  a_block_with_quite_a_long_name_indeed(32, 64)
  left_hand_side_of_the_network_as_drawn = conv(8, 3) -> relu
  right_hand_side_of_the_network_as_drawn = conv(8, 3) -> relu
  first_part_of_the_whole, second_part_of_the_whole, third_part_of_the_whole = conv(9, 3) -> split(3, axis = 1)
  [left_hand_side_of_the_network_as_drawn, right_hand_side_of_the_network_as_drawn, first_part_of_the_whole,
   second_part_of_the_whole, third_part_of_the_whole] -> concat
  [left_hand_side_of_the_network_as_drawn, right_hand_side_of_the_network_as_drawn] -> add
  output the_result_of_all_this_work
  output another_result_of_all_this = left_hand_side_of_the_network_as_drawn -> conv(3, 3)
}
"""


@cache
def sources() -> list[Any]:
    """Each of them with what makes it."""
    return list(_sources())


@cache
def written(build: Callable[[], Program]) -> str:
    return torch_source(build())


def _sources() -> Iterator[Any]:
    for spec, model, given in INSTANCES:
        name = " ".join([spec, *(f"{key}={value}" for key, value in given.items())])
        yield pytest.param(lambda s=spec, m=model, g=given: from_spec(s, m, **g), id=name)
    for name, text in TEXTS.items():
        yield pytest.param(lambda t=text: from_text(t), id=name)
    yield pytest.param(lambda: from_text(LONG), id="long names")


def test_ruff_would_not_change_or_criticise_any_generated_file(tmp_path: Path) -> None:
    for position, case in enumerate(sources()):
        build: Any = case.values[0]
        (tmp_path / f"case_{position:03}.py").write_text(written(build), encoding="utf-8")
    ruff_agrees(tmp_path)


def ruff_agrees(folder: Path) -> None:
    """One start for all files of a folder."""
    ruff = [sys.executable, "-m", "ruff"]
    formatted = subprocess.run(
        [*ruff, "format", "--isolated", "--diff", str(folder)], capture_output=True, text=True, check=False
    )
    assert formatted.stdout == ""
    checked = subprocess.run([*ruff, "check", "--isolated", str(folder)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_ruff_lays_the_same_trees_out_the_same_way_when_it_starts_from_nothing(tmp_path: Path) -> None:
    """Without the trailing commas that make ruff keep a layout: it chooses our layout itself."""
    for position, case in enumerate(sources()):
        build: Any = case.values[0]
        (tmp_path / f"case_{position:03}.py").write_text(written(build), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff"]
    command += [
        "--config",
        "format.skip-magic-trailing-comma=true",
        "--config",
        "lint.isort.split-on-trailing-comma=false",
    ]
    found = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert found.stdout == ""


@pytest.mark.parametrize("build", sources())
def test_lines_fit_and_the_file_stands_alone(build: Any) -> None:
    source = written(build)
    assert [line for line in source.split("\n") if len(line) > 88] == []
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported <= {"torch", "torch.nn.functional", "math"}


def test_resnet_50_is_one_class_per_block_in_well_under_150_lines() -> None:
    source = torch_source(from_spec("resnet", depth=50))
    assert source.count("\n") < 100
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert names == ["Projected", "Bottleneck", "ResNet"]
    assert "self.conv1 = nn.Conv2d(c, width, 1, stride=stride, bias=False)" in source
    assert "Bottleneck(1024, 512, stride=2), *[Bottleneck(2048, 512) for _ in range(2)]" in source
    assert "if c != 4 * width or stride != 1" in source


def test_densenet_has_one_class_per_block_with_its_loop_kept() -> None:
    source = torch_source(from_spec("densenet", depth=121))
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert names == ["DenseLayer", "Transition", "DenseBlock", "Features", "DenseNet"]
    assert 'self.add_module(f"denselayer{i + 1}", DenseLayer(c + k * i, k))' in source
    assert "nn.Conv2d(c, math.floor(compression * c), 1, bias=False)" in source


def _arguments(source: str, name: str) -> list[str]:
    """What the constructor of a class takes."""
    (init,) = (
        statement
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == name
        for statement in node.body
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__"
    )
    return [each.arg for each in init.args.args[1:]]


def test_numbers_that_differ_are_named_after_what_they_mean() -> None:
    source = torch_source(from_spec("googlenet"))
    assert _arguments(source, "Inception") == ["in_channels", "c1", "r3", "c3", "r5", "c5", "pool", "five"]
    assert _arguments(source, "Unit") == ["in_channels", "out", "kernel", "stride"]
    assert "padding=kernel // 2" in source


def test_a_constant_number_is_a_number_in_arithmetic_and_a_bound_and_a_tensor_elsewhere() -> None:
    source = torch_source(from_text(TEXTS["numbers"]))
    assert source.count("torch.tensor(") == 2
    for line in (
        "        c = torch.tensor(0.5)  # []\n",
        "            x = 1.0 - conv(x) * 0.5\n",
        "        x = self.clip(x, c).clamp(min=-1.0).clamp(min=-2.0)\n",
        "        y = x + 0.5\n",
        "        return self.conv(x) * self.value + self.value2\n",
        "        return torch.minimum(self.conv(x), c)\n",
    ):
        assert line in source, line


def test_doc_comments_become_docstrings_and_shapes_comments() -> None:
    source = torch_source(from_spec("resnet", depth=50))
    assert '"""1x1, 3x3, 1x1 (figure 5, right).' in source
    assert "x = self.layer1(x)  # [N, 256, 56, 56]" in source
    assert source.startswith('"""resnet: 25,557,032 parameters.\n')


@pytest.mark.parametrize("times", [1000, 1_000_000])
def test_the_source_of_a_repeat_does_not_grow_with_its_count(times: int) -> None:
    text = "model m() { input x: f32[N, 4, 6, 6]\n repeat TIMES { add { id | conv(4, 3) -> bn -> relu } }\n output y }"
    one, other = (torch_source(from_text(text.replace("TIMES", str(count)))) for count in (2, times))
    assert len(one.split("\n")) == pytest.approx(len(other.split("\n")), abs=4)
    assert f"range({times})" in other


def test_a_helper_that_nothing_uses_is_left_out() -> None:
    """`residual` drops its body with probability 0 here, which is no drop-path at all."""
    source = torch_source(from_text("model m() { input x: f32[N, 4]\n residual { linear(4) }\n output y }"))
    assert "DropPath" not in source
    assert "import torch\n" not in source
    kept = torch_source(from_text("model m() { input x: f32[N, 4]\n residual(0.1) { linear(4) }\n output y }"))
    assert "class DropPath" in kept


def test_resnet_1202_is_as_long_as_resnet_20() -> None:
    long, short = (torch_source(from_spec("resnet_cifar", depth=depth)) for depth in (1202, 20))
    assert long.count("\n") == short.count("\n")


def test_printing_source_imports_neither_torch_nor_numpy() -> None:
    script = (
        "import sys; from archdsl import api; from archdsl.backends.torch.source import torch_source;"
        f"torch_source(api.load({str(Path(__file__).parents[3] / 'specs' / 'resnet.arch')!r}).program);"
        "assert not {'torch', 'numpy', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_class_of_the_model_can_be_named() -> None:
    source = torch_source(from_spec("resnet", depth=18), class_name="ResNet18")
    assert "class ResNet18(nn.Module):" in source


# ----------------------------------------------------------------------------------------------------- hostile texts

HOSTILE = [
    '"""',
    '"""\nimport os\nos.abort()\n"""',
    "\\",
    'ends with a quote"',
    "ends with a backslash\\",
    "'''",
    "{x}",
    "\u202e right to left \u2066",
    "line one\r\nimport os\u2028import sys\x0b\x0c",
    "\x00",
    "𝐬𝐞𝐥𝐟",
    "ﬁ",
    "# noqa\n# type: ignore",
    "%s %(x)s",
]


def nodes(function: Function) -> Iterator[Node]:
    pending = list(function.nodes)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, Repeat):
            pending.extend(node.nodes)


def disguised(text: str, case: str) -> str:
    """The source of a program whose documentation, block names and value names are all `text`."""
    program = from_text(TEXTS[case])
    for function in program.functions:
        function.doc = text
        function.block = text
        for value in (*function.inputs, *(v for node in nodes(function) for v in node.outputs)):
            value.name = text
    return torch_source(program)


def calls(source: str) -> list[str]:
    """Everything that a source calls, except its own classes."""
    tree = ast.parse(source)
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    found = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted("a class" if name in own else name for name in found)


DISGUISED = ["an optional projection", "several outputs and inputs", "a shared block and a tied weight"]


@pytest.mark.parametrize("case", DISGUISED)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_spec_becomes_code(text: str, case: str) -> None:
    """Hostile documentation and names change words and strings, never what the code calls or imports."""
    source = disguised(text, case)
    harmless = disguised("harmless", case)
    assert calls(source) == calls(harmless)
    kinds = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef)
    for kind in kinds:
        found, expected = (sum(isinstance(n, kind) for n in ast.walk(ast.parse(s))) for s in (source, harmless))
        assert found == expected
    assert all(c == "\n" or c.isprintable() for c in source)


def test_ruff_would_not_change_or_criticise_what_is_written_of_any_text(tmp_path: Path) -> None:
    for position, (text, case) in enumerate(product(HOSTILE, DISGUISED)):
        (tmp_path / f"case_{position:03}.py").write_text(disguised(text, case), encoding="utf-8")
    ruff_agrees(tmp_path)


@pytest.mark.parametrize("label", ["3a", "0", "weight", "x", "torch", "match"])
def test_labels_that_are_no_identifiers_are_registered_by_string(label: str) -> None:
    from archdsl.backends.torch.build import build_module

    program = from_text(f'model m() {{ input x: f32[N, 3, 8, 8]\n conv(8, 3) as "{label}"\n output y }}')
    assert list(build_module(program).state_dict()) == [f"{label}.weight", f"{label}.bias"]


def test_a_label_with_a_dot_is_refused() -> None:
    program = from_text("model m() { input x: f32[N, 3, 8, 8]\n conv(8, 3) as part\n output y }")
    for node in nodes(program.entry):
        node.segment.name = "a.b"  # type: ignore[union-attr]
    program.remembering = None  # nobody can write this
    with pytest.raises(ArchError, match="E0701"):
        torch_source(program)


def test_a_size_that_no_input_shows_is_refused() -> None:
    text = """model m() { input x: f32[N, 8]
      input y: f32[T, 4]
      x -> reshape([N, 2, 4]) -> pick
      output z }
    block pick() { id }"""
    program = from_text(text)
    (reshape,) = [node for node in nodes(program.entry) if not isinstance(node, Call | Repeat)][:1]
    assert reshape is not None
    from archdsl.backends.torch.sizes import size_code
    from archdsl.types.dims import symbol

    with pytest.raises(ArchError, match="E0702"):
        size_code(symbol("K"), program.inputs, (), program.entry.span)


def test_loops_deeper_than_python_allows_are_refused() -> None:
    body = "conv(4, 3) -> relu -> conv(4, 1)"
    for _ in range(13):
        body = f"repeat 2 {{ relu -> conv(4, 1)\n{body}\n}}"
    program = from_text(f"model m() {{ input x: f32[N, 4, 6, 6]\n{body}\noutput y }}")
    with pytest.raises(ArchError, match="E0703"):
        torch_source(program)


def test_helpers_fit_their_lines_too() -> None:
    """Files with randomness or recomputation are not among those above; what they define is text of ours."""
    texts = [
        (path, node.value)
        for path in Path(archdsl.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(("\nclass ", "\ndef ", "\n@"))
    ]
    assert len(texts) > 5
    assert [(path.name, line) for path, text in texts for line in text.split("\n") if len(line) > 88] == []


@pytest.mark.parametrize(
    ("step", "module"),
    [
        ("relu", "nn.ReLU()"),
        ("relu6", "nn.ReLU6()"),
        ("leaky_relu", "nn.LeakyReLU()"),
        ("elu", "nn.ELU()"),
        ("selu", "nn.SELU()"),
        ("gelu", "nn.GELU()"),
        ("silu", "nn.SiLU()"),
        ("mish", "nn.Mish()"),
        ("hard_sigmoid", "nn.Hardsigmoid()"),
        ("hard_swish", "nn.Hardswish()"),
        ("softplus(2.0)", "nn.Softplus(beta=2.0)"),
        ("sigmoid", "nn.Sigmoid()"),
        ("tanh", "nn.Tanh()"),
        ("softmax(axis = 1)", "nn.Softmax(dim=1)"),
        ("log_softmax(axis = 1)", "nn.LogSoftmax(dim=1)"),
        ("lrn", "nn.LocalResponseNorm(5)"),
        ("max_pool(2)", "nn.MaxPool{axes}d(2)"),
        ("avg_pool(2)", "nn.AvgPool{axes}d(2)"),
        ("adaptive_avg_pool(2)", "nn.AdaptiveAvgPool{axes}d(2)"),
    ],
)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_function_in_a_chain_of_one_label_is_its_module(step: str, module: str, axes: int) -> None:
    type = f"f32[N, 4{', 8' * axes}]"
    net = archdsl.load(f"model m {{\n input x: {type}\n conv(4, 3) as net\n {step} as net\n output y\n}}\n")
    if step == "lrn" and axes == 3:  # whose function views two axes as one, and no module puts them in order
        module = "return F.local_response_norm(self.net(x).contiguous(), 5)"
    assert module.format(axes=axes) in net.torch_source()


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ('"n c h w -> n h w c"', "x.permute(0, 2, 3, 1)"),
        ('"n (g c) h w -> n g c h w", g = 2', "x.unflatten(1, (2, -1))"),
        ('"n c h w -> n c (h w)"', "x.flatten(2)"),
        ('"n c h w -> n h (w c)"', "x.permute(0, 2, 3, 1).flatten(2)"),
        ('"n (g c) h w -> n (c g) h w", g = 2', "x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)"),
        ('"n (a b) (c d) w -> n a b c d w", a = 2, c = 3', "x.reshape(x.shape[0], 2, 3, 3, 2 * (x.shape[2] // 6), 5)"),
    ],
)
def test_a_rearrangement_is_cut_moved_and_joined_and_no_more(pattern: str, code: str) -> None:
    net = archdsl.load(f"model m {{\n input x: f32[N, 6, 6*T, 5]\n rearrange({pattern})\n output y\n}}\n")
    assert f"        return {code}  # " in net.torch_source() or f"        return {code}\n" in net.torch_source()


def test_the_source_is_the_same_whatever_order_sets_have() -> None:
    """Which parameters a model's class takes must not hang on how a process hashes names."""
    code = "import archdsl; print(archdsl.load('stochastic_depth').torch_source())"

    def written(seed: int) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return ran.stdout

    assert written(0) == written(1) == written(3)
    assert "survival: float = 0.5" in written(1)
