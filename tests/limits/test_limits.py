"""Bombs: every spec gives a result or a coded diagnostic, quickly and in little memory.

Each case runs in a process of its own, because memory is measured as the peak of the process. Time is only guarded
against hangs: the step budget is what keeps it below a second.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 1 << 20
MEMORY = 200 * MIB
HANG = 30

CHILD = """
import json, re, resource, sys
from pathlib import Path
from archdsl.diagnostics.model import Sink
from archdsl.diagnostics.text import render_text
from archdsl.elaborate.loader import load_file
from archdsl.elaborate.model import elaborate
from archdsl.limits import Limits
from archdsl.spec_tests import run_tests

sink, limits = Sink(), Limits()
module = load_file(sys.argv[1], sink, limits)
if module is not None:
    for name in module.models:
        elaborate(module, name, {}, {}, sink, limits)
    run_tests(module, sink, limits)
text = render_text(sink.found)
status = Path("/proc/self/status")
if status.exists():
    # Not `ru_maxrss`: across exec Linux carries the peak of the process that forked over into it.
    peak = 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"codes": [found.code for found in sink.found], "peak": peak, "length": len(text)}))
"""


def model(body: str, head: str = "") -> str:
    return f"{head}\nmodel m {{\n  input x: f32[N, 3, 8, 8]\n{body}\n  output y\n}}\n"


def many(count: int, text: str, between: str = "\n") -> str:
    return between.join(text.replace("#", str(index)) for index in range(count))


GROW = "block grow() { concat { id | conv(1, 1) } }"
LONG_LIST = f"let a = [{many(60_000, '1', ', ')}]"

BOMBS: dict[str, tuple[str, str]] = {
    # What the design promises.
    "a file of 4 MiB": (model("relu -> " * (1 << 19) + "relu"), "E0901"),
    "100 000 nested parentheses": (f"let a = {'(' * 100_000}1{')' * 100_000}", "E0902"),
    "a sum of 100 000 terms": (f"let a = {'+'.join('1' * 100_000)}", "E0903"),
    "2**2**60": (model("let n = 2**2**60"), "E0908"),
    "recursion with changing arguments": (model("f(0)", "block f(n) { f(n + 1) }"), "E0905"),
    "recursion with the same arguments": (model("f(0)", "block f(n) { f(n) }"), "E0905"),
    "recursion that shrinks nothing": (model("f(0)", "block f(n) { conv(4 + n, 1) -> f(n + 1) }"), "E0905"),
    "nested repeats that change the shape": (model("repeat 1_000_000 { repeat 1_000_000 { grow } }", GROW), "E0907"),
    "a repeat that changes the shape": (model("repeat 1_000_000 { concat { id | conv(1, 1) } }"), "E0907"),
    # Loops.
    "a loop of 10**9": (model("for i in 0..10**9 { relu }"), "E0907"),
    "a loop of 10**9 over nothing": (model("for i in 0..10**9 { }"), "E0907"),
    "a fan-out of 10**9": (model("concat for i in 0..10**9 { id }"), "E0907"),
    "a large fan-out again and again": (model("repeat 10**9 { concat for i in 0..1000 { id } }"), "E0908"),
    "a recursion that doubles": (
        model("f(60, 0)", "block f(n, s) { if n < 1 { relu } else { f(n - 1, 2*s) -> f(n - 1, 2*s + 1) } }"),
        "E0907",
    ),
    "a shared instance in nested repeats": (
        model("shared s = conv(3, 3)\n" + "repeat 1000 { " * 100 + "s" + " }" * 100),
        "E0907",
    ),
    # Depth: of braces times that of calls.
    "200 braces in a recursive block": (model("f(0)", f"block f(n) {{ {'{ ' * 190}f(n + 1){' }' * 190} }}"), "E0913"),
    "190 fan-outs in a recursive block": (
        model("f(0)", f"block f(n) {{ {'add { id | ' * 190}f(n + 1){' }' * 190} }}"),
        "E0913",
    ),
    "190 tuples in a recursive block": (
        model("f(0)", f"block f(n) {{ {'[' * 190}f(n + 1){'] -> add ' * 190} }}"),
        "E0913",
    ),
    "190 loops in a recursive block": (
        model("f(0)", f"block f(n) {{ {'add for i in 0..1 { ' * 190}f(n + 1){' }' * 190} }}"),
        "E0913",
    ),
    "lists in lists by recursion": (
        model("f(0, 1)", f"block f(n, a) {{ f(n + 1, {'[' * 190}a{']' * 190}) }}"),
        "E0902",
    ),
    # Values.
    "a list that doubles": (model("f(99, 1)", "block f(n, a) { if n > 0 { f(n - 1, [a, a]) } }"), "E0907"),
    "a list appended to itself": (model("f(99, [1])", "block f(n, a) { if n > 0 { f(n - 1, a + a) } }"), "E0907"),
    "a string that doubles": (model('f(99, "ab")', 'block f(n, s) { if n > 0 { f(n - 1, "{s}{s}") } }'), "E0907"),
    "a long list passed on": (
        model("for i in 0..10**9 { f(i, a) }", f"{LONG_LIST}\nblock f(n, a) {{ relu }}"),
        "E0907",
    ),
    "a long list compared": (model("for i in 0..10**9 { let c = a == b }", f"{LONG_LIST}\nlet b = a + []"), "E0907"),
    "a long list summed": (model("for i in 0..10**9 { let c = sum(a) }", LONG_LIST), "E0907"),
    "a range as a list of sizes": (model("reshape(0..10**12)"), "E0304"),
    "a range beyond 2**63": (model("let n = len(0-2**62..2**62 + 2**61)"), "E0908"),
    "powers of a symbol": (model(many(9, "let a# = (a) ** 8\nlet a = a#").replace("(a)", "(N)", 1)), "E0908"),
    "a large symbolic coefficient": (model("let a = 1_000_000 * N\nlet b = a*a*a*a"), "E0908"),
    "squares of a symbolic sum": (
        model("let a = A + B + C + D\nlet b = a*a*a*a\nlet c = b*b*b*b").replace("N, 3, 8, 8", "A, B, C, D"),
        "E0908",
    ),
    "floors of products of symbols": (
        model("f(99, N, N)", "block f(n, a, b) { if n > 0 { f(n - 1, a*b // 3, (a + b)*(a - b) // 5) } }"),
        "E0908",
    ),
    # Sizes of tensors and networks.
    "channels that double": (model("repeat 10_000 { concat { id | id } }"), "E0908"),
    "an input of 50 000 axes": (f"model m {{ input x: f32[{many(50_000, '2', ', ')}]; output y }}", "E0908"),
    "an astronomic number of operators": (
        model("f(250)", "block f(n) { if n > 0 { repeat 2**62 { f(n - 1) } } else { relu } }"),
        "E0908",
    ),
    # Long lists in the source.
    "a block of 20 000 parameters": (
        model("for i in 0..10**9 { f }", f"block f({many(20_000, 'p# = 1', ', ')}) {{ relu }}"),
        "E0907",
    ),
    "a call of 10 000 arguments": (
        model(
            f"for i in 0..10**9 {{ f({many(10_000, '1', ', ')}) }}", f"block f({many(10_000, 'p#', ', ')}) {{ relu }}"
        ),
        "E0907",
    ),
    "a large body passed in a loop": (
        model(
            f"for i in 0..10**9 {{ f {{ {many(10_000, 'let v# = #', '; ')}; relu }} }}", "block f(body: block) { body }"
        ),
        "E0907",
    ),
    "20 000 misspelt operators": (model(many(20_000, "cnov(3)")), "E0202"),
    "thousands of names to confuse": (
        model(many(8_000, "let abcdefgh# = 1") + "\n" + many(90, "let c# = abcdefgx#")),
        "E0201",
    ),
}

FINE: dict[str, str] = {
    "Fibonacci by recursion": model("f(200)", "block f(n) { if n < 2 { relu } else { f(n - 1) -> f(n - 2) } }"),
    "a convolution of 10**9 channels": model("conv(10**9, 3) -> conv(10**9, 1)"),
    "10**12 layers": model("conv(64, 3)\nrepeat 1_000_000 { repeat 1_000_000 { conv(64, 3) -> relu } }"),
    "a long chain of blocks": model("f(250)", 'block f(n) { if n > 0 { conv(3, 1) as "l{n}"; f(n - 1) } }'),
    "bodies that mention two bodies, 100 deep": model(
        "f(100) { relu | tanh }",
        "block f(n, a: block, b: block) { if n > 0 { f(n - 1) { a -> b | b -> a } } else { a } }",
    ),
    "bodies that carry a tensor, 100 deep": model(
        "relu as t\nf(100) { add { id | t } | [id, t] -> add }",
        "block f(n, a: block, b: block) { if n > 0 { f(n - 1) { a -> b | b -> a } } else { a } }",
    ),
    "values that hold a value twice, 100 deep": model(
        "f(100, relu)",
        "block f(n, a: block) { if n > 0 { f(n - 1, g(a, a)) } else { a } }\nblock g(a: block, b: block) { a -> b }",
    ),
    "a ResNet of 1202 layers written out": model(
        "conv(16, 3)\nfor s in 0..3 { for i in 0..200 { basic_block(16 * 2**s, 2 if s > 0 and i == 0 else 1) } }"
    ),
    "a DenseNet-BC of 250 layers": model(
        "conv(48, 3)\nfor s in 0..3 { dense_block(24, 41, bottleneck)\n if s < 2 { transition(0.5) } }"
    ),
    "an empty file": "",
}


def run(text: str, tmp_path: Path) -> tuple[list[str], int, int]:
    path = tmp_path / "spec.arch"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=HANG, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    return answer["codes"], answer["peak"], answer["length"]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_a_code(name: str, tmp_path: Path) -> None:
    text, code = BOMBS[name]
    codes, peak, length = run(text, tmp_path)
    assert set(codes) == {code}
    assert peak < MEMORY
    assert length < 100_000


@pytest.mark.parametrize("name", FINE)
def test_what_is_only_large_is_accepted(name: str, tmp_path: Path) -> None:
    codes, peak, _ = run(FINE[name], tmp_path)
    assert codes == []
    assert peak < MEMORY


def test_a_table_holds_large_constants(tmp_path: Path) -> None:
    path = tmp_path / "large.arch"
    path.write_text(model(many(4, "output c# = constant(0..100_000)")))
    ran = subprocess.run(
        [sys.executable, "-m", "archdsl", "count", str(path)], capture_output=True, text=True, timeout=HANG, check=False
    )
    assert ran.returncode == 0 and "99999])" in ran.stdout
