"""Small specs that ask for much: each ends within five seconds of processor time and half a gigabyte."""

from pathlib import Path

import pytest
from limits.harness import MEMORY, SECONDS, run_all


def model(body: str, input: str = "f32[N, 3, 8, 8]") -> str:
    return f"model m {{\n  input x: {input}\n  {body}\n  output y\n}}\n"


BOMBS = {
    "a split into a billion": model("split(1_000_000_000) -> add", "f32[N, 1_000_000_000]"),
    "a pool to a hundred million positions": model("adaptive_avg_pool([100_000_000, 1])"),
    "a million layers in a loop": model("repeat 1000 { lstm(8, layers = 1000) }", "f32[N, 5, 8]"),
    "nine thousand stacks of layers": model("lstm(8, layers = 1000)\n" * 9000, "f32[N, 5, 8]"),
    "thirty stacks of layers in two directions": model("lstm(8, layers = 1000, bidirectional)\n" * 30, "f32[N, 5, 8]"),
    "a window over all integers": model("lrn(2147483647)"),
    "twenty thousand misspelt steps on a line": model(" -> ".join(["rleu"] * 20_000)),
    "a name of a hundred thousand letters": model("a" * 100_000),
}
COMMANDS = ("check", "count", "compile")

ONE = "model m0(n = 1) {\n  input x: f32[N, 3]\n  relu\n  output y\n}\n"
COUNTED = {
    "a chain of six thousand presets": ONE + "".join(f"model m{i + 1} = m{i}()\n" for i in range(6_000)),
    "a chain of presets with arguments": ONE + "".join(f"model m{i + 1} = m{i}(n = {i})\n" for i in range(5_000)),
    "sixty loops inside one another": model("repeat 2 { " * 60 + "relu" + " }" * 60),
    "two thousand large constants": model("\n".join(f"output c{i} = constant(0..100_000)" for i in range(2_000))),
    "a tuple of two thousand through blocks": "block f() { concat -> split(2000) }\n"
    + model("split(2000)\n" + "f\n" * 300 + "concat", "f32[N, 2000]"),
    "a tuple of two thousand through loops": model(
        "split(2000)\nrepeat 100 { concat -> split(2000) }\n"
        "for i in 0..20 { repeat 10 { concat -> split(2000) } }\nconcat",
        "f32[N, 2000]",
    ),
    "a split into ninety thousand": model("split(90_000) -> add", "f32[N, 90_000]"),
    "windows that repeat after thousands": model("adaptive_avg_pool(4093)\nadaptive_avg_pool(4091)\n" * 300),
    "sums of hundreds of symbols": "model m {\n"
    + "".join(f"  input x{i}: f32[N, S{i}]\n" for i in range(250))
    + f"  [{', '.join(f'x{i}' for i in range(250))}] -> concat\n" * 80
    + "  output y\n}\n",
    "loops inside one another around a large body": model("repeat 2 { " * 100 + "relu\n" * 4_000 + " }" * 100),
    "a hundred deep stacks of recurrent layers": model("lstm(8, layers = 900)\n" * 100, "f32[N, 5, 8]"),
    "blocks over a sum of two hundred symbols": "block f() [N, c] => [N, c] { relu }\n"
    + model("f\n" * 9_000, f"f32[{' + '.join(f'A{i}' for i in range(200))}, B]"),
    "loops of ten million rounds that rotate a tuple": "block turn() "
    + ", ".join(f"a{i}: [N, c]" for i in range(60))
    + f" {{ [{', '.join(f'a{(i + 1) % 60}' for i in range(60))}] }}\n"
    + model("split(60)\nrepeat 10_000_000 { turn }\nconcat", "f32[N, 60]"),
    "a constant of a thousand large ranges": model(f"output c = constant([{'0..100_000, ' * 1000}])"),
}
"""What cost most in the analyses behind the columns of a table."""
COLUMNS = "layer,params,macs,flops,saved,peak,moved,intensity,field,training_macs"


WRITTEN = {
    "a split into ninety thousand": COUNTED["a split into ninety thousand"],
    "a tuple of two thousand through blocks": COUNTED["a tuple of two thousand through blocks"],
    "a first layer and a million times a million others": model(
        "conv(64, 3)\n" + "repeat 1_000_000 { " * 2 + "conv(64, 3) }}"
    ),
    "a hundred thousand layers to recompute": model("repeat 100_000 { recompute { conv(3, 1) } }"),
    "layers that double fifteen times": "".join(f"block f{i}() {{ f{i + 1} -> f{i + 1} }}\n" for i in range(15))
    + "block f15() { linear(3) }\n"
    + model("f0", "f32[N, 3]"),
    "a block of two hundred parameters": f"block f({', '.join(f'k{i}' for i in range(200))}) {{ "
    + " -> ".join(f"conv(k{i} * k{(7 * i + 1) % 200}, 1)" for i in range(200))
    + " }\n"
    + model(
        "\n".join(f"f({', '.join(str((7 * i * (j + 1) + j * j) % 97 + 1) for j in range(200))})" for i in range(60))
    ),
}
"""What was longest as PyTorch source or as ONNX."""

RUN = {
    "more layers than onnxruntime prepares": (model("repeat 9_000 { tanh }"), "E0916"),
    "weights of a hundred wide layers": (model("repeat 100 { conv(4096, 3) }", "f32[N, 4096, 1024, 1024]"), "E0814"),
    "attention between a million positions": (model("self_attention(1)", "f32[N, 1_000_000, 1]"), "E0916"),
    "weights that fit once": (model("linear(14_000) -> linear(14_000)", "f32[N, 14_000]"), "E0814"),
    "a padding of a billion": (model("pad(1_000_000_000)"), "E0835"),
    "each with each of a million": (
        "model m {\n  input a: f32[N, 1_000_000, 1]\n  input b: f32[N, 1, 1_000_000]\n  [a, b] -> add\n  output y\n}\n",
        "E0835",
    ),
}

TESTED = {
    "paths through a loop of four hundred tensors": model(
        "split(400)\nrepeat 100 { concat -> split(400) }\nconcat", "f32[N, 400]"
    ),
    "paths through blocks of four hundred tensors": "block f() { concat -> split(400) }\n"
    + model("split(400)\n" + "f\n" * 300 + "concat", "f32[N, 400]"),
}


TURNED = [0, 2, 5, 10, 17, 28]
"""One place of each of six circles that a tuple of 41 goes round in, of 2, 3, 5, 7, 11 and 13 places."""


def _circles() -> str:
    """A loop after whose every round memory lies otherwise, until 30,030 rounds are over."""
    ends = [*TURNED[1:], 41]
    moved = [
        j + 1 if j + 1 < end else start for start, end in zip(TURNED, ends, strict=True) for j in range(start, end)
    ]
    return (
        f"block turn() {', '.join(f'a{i}: [N, 4, 4]' for i in range(41))} {{ [{', '.join(f'a{i}' for i in moved)}] }}\n"
        + "model m {\n  input x: f32[N, 4, 4]\n  x -> transpose(1, 2) as t\n"
        + f"  [{', '.join('t' if i in TURNED else 'x' for i in range(41))}]\n"
        + "  repeat 10_000_000 { turn }\n  add\n  output y\n}\n"
    )


def test_layouts_that_take_long_to_return_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(_circles())
    plain, laid_out = run_all(
        [["count", "m.arch", "--convention", convention] for convention in ("fvcore", "ptflops-aten")], tmp_path
    )
    assert plain.code == 0 and laid_out.code == 4 and laid_out.codes == {"E0914"}
    assert laid_out.seconds < SECONDS and laid_out.peak < MEMORY


@pytest.mark.parametrize("others", ["relu", "conv(3, 3) as l"])
def test_a_part_is_looked_up_once_however_often_checks_name_it(others: str, tmp_path: Path) -> None:
    text = model("conv(3, 3) as l\n" + f"{others}\n" * 6_000)
    (tmp_path / "m.arch").write_text(text + f"test m {{ {'; '.join(['l.params == 84'] * 3_000)} }}\n")
    (outcome,) = run_all([["test", "m.arch"]], tmp_path)
    assert outcome.code == (0 if others == "relu" else 1), outcome.text[:2000]
    assert outcome.seconds < SECONDS and outcome.peak < MEMORY, (outcome.seconds, outcome.peak)


@pytest.mark.parametrize("name", TESTED)
def test_checks_of_a_bomb_end_within_their_bounds(name: str, tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(TESTED[name] + "test m {\n  depth == 3\n}\n")
    for outcome in run_all([["test", "m.arch"]], tmp_path):
        assert outcome.code in (1, 4), outcome.text[:2000]
        assert outcome.seconds < SECONDS and outcome.peak < MEMORY, (outcome.seconds, outcome.peak)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_within_its_bounds(name: str, tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(BOMBS[name])
    lines = [[command, "m.arch", *(["-o", "out"] if command == "compile" else [])] for command in COMMANDS]
    for outcome in run_all(lines, tmp_path, ["numpy", "onnx"]):
        assert outcome.code in (0, 1, 4), outcome.text[:2000]
        assert outcome.seconds < SECONDS and outcome.peak < MEMORY, (outcome.seconds, outcome.peak)
        assert max(map(len, outcome.text.splitlines()), default=0) < 3000


@pytest.mark.parametrize("name", COUNTED)
def test_every_column_ends_within_its_bounds(name: str, tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(COUNTED[name])
    for outcome in run_all([["check", "m.arch"], ["count", "m.arch", "--columns", COLUMNS, "--depth", "3"]], tmp_path):
        assert outcome.code in (0, 1, 4), outcome.text[:2000]
        assert outcome.seconds < SECONDS and outcome.peak < MEMORY, (outcome.seconds, outcome.peak)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_long_to_write_out_ends_within_its_bounds(name: str, tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(WRITTEN[name])
    lines = [
        ["compile", "m.arch", "--to", to, "-o", f"out.{suffix}"] for to, suffix in (("torch", "py"), ("onnx", "onnx"))
    ]
    lines.append(["show", "m.arch"])
    for outcome in run_all(lines, tmp_path, ["numpy", "onnx"]):
        assert outcome.code in (0, 4) or outcome.codes == {"E0814"}, outcome.text[:2000]
        assert outcome.seconds < SECONDS and outcome.peak < MEMORY, (outcome.seconds, outcome.peak)


def test_what_is_too_much_to_run_is_refused_before_it_runs(tmp_path: Path) -> None:
    lines: list[list[str]] = []
    for index, (text, _) in enumerate(RUN.values()):
        (tmp_path / f"m{index}.arch").write_text(text)
        lines += [[command, f"m{index}.arch"] for command in ("run", "verify")]
    codes = [code for _, code in RUN.values() for _ in range(2)]
    for line, code, outcome in zip(
        lines, codes, run_all(lines, tmp_path, ["numpy", "onnx", "torch"], 4 << 30), strict=True
    ):
        assert outcome.codes == {code}, (line, outcome.text[:2000])
        assert outcome.seconds < SECONDS and outcome.peak < MEMORY, (line, outcome.seconds, outcome.peak)


def test_a_chain_of_presets_is_on_the_account_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(COUNTED["a chain of six thousand presets"])
    for outcome in run_all([["check", "m.arch"], ["count", "m.arch"]], tmp_path):
        assert outcome.code == 4 and outcome.codes == {"E0912"}


def test_figures_that_take_too_long_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.arch").write_text(COUNTED["a tuple of two thousand through loops"])
    (few, many) = run_all([["count", "m.arch", "--columns", names] for names in ("params", "field")], tmp_path)
    assert few.code == 0 and many.code == 4 and many.codes == {"E0914"}
