"""Command lines: every command with options that it has, that others have, or that nobody has, on a few small files."""

from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from strategies.programs import below

SPECS = {
    "tiny.arch": """## A unit.
block unit(c) { conv(c, 3, !bias) -> bn -> relu }
model tiny(width = 4, n: int = 2, kind: "a" | "b" = "a", flag deep, plan = [1, 2], mid: int = none) {
  input x: f32[N, 3, 8, 8]
  for i in 0..n { unit(width) as layer }
  if deep { unit(width) as extra }
  global_avg_pool -> linear(sum(plan)) as head
  output y
}
test tiny { params > 0; params ~ 1K; macs within 2% of 1K }
""",
    "several.arch": """use "tiny.arch" (unit)
model one(depth = 1) { input ids: i64[N, T]; embedding(7, 4) -> linear(depth); output y; output aux(train) = relu }
model two { input a: f32[N, 1, 4*H, W]; input b: f32[N, 1, 4*H, W]; add { a | b } -> unit(2) -> unit(2); output y }
model three = one(depth = 3)
model four(n) { input x: f32[N, 4]; linear(n); output y }
""",
    "bad.arch": "model m { input x: f32[N, 3]; lineer(4); conv(3); output y }\n",
    "empty.arch": "",
    "bytes.arch": "model m { \udcff }",
    "keys.txt": "stem.* layer.*\naux -\n",
    "text.npy": "no array",
    "folder/inner.arch": "model inner { input x: f32[2]; relu; output y }\n",
}  # fmt: skip
"""Small files by name. What is no text is made by `lay_out`."""

TARGETS = [
    "tiny.arch", "several.arch:one", "tiny.arch:tiny", "several.arch", "several.arch:two", "several.arch:three",
    "several.arch:four", "bad.arch",
    "empty.arch", "bytes.arch", "folder", "missing.arch", "-", "-:one", "keys.txt", "tiny.onnx", "text.npy",
    "tiny.arch:nope", "", ":", "folder/",
    "tiny.arch:", "weights.safetensors", "x.npy", "photo.png", "\n", "a\0b", "two.onnx", "/", "..",
]  # fmt: skip
PARAMETERS = [
    "width=8", "n=0", "n=1", "kind=b", "kind=c", "deep", "!deep", "width=2,3", "plan=[1]", "plan=[[1]]", "mid=3",
    "mid=none", "depth=2", "depth=1,2,3",
    "n=-1", "width=", "=3", "width", "width=1e400", "width=9223372036854775808", "width=x y", 'kind="a"', 'kind="',
    "width=(", "n=1,1,1", "n=100000",
    "deep=1", "width=[1,2],3", "width=" + "9" * 5000, "width=1;n=2", "\u00e9=1", "width=0", "plan=[]", "plan=2",
    "width={", "n=3 # x",
]  # fmt: skip
VALUES: dict[str, list[str]] = {
    "--format": ["text", "json", "sarif", "github", "csv", "markdown", "latex", "xml", ""],
    "-p": PARAMETERS,
    "--param": PARAMETERS,
    "--dim": ["N=2", "T=3", "H=1", "W=4", "N=0", "N=-1", "X=3", "N", "N=a", "T=99999999999", "N=2,3", "=", "H=2.5"],
    "--limit": ["steps=100", "nodes=3", "nesting=2", "depth=1", "steps=0", "bytes=3", "integer_bits=4",
        "source_bytes=10", "instances=1", "terms=1", "steps=1e9"],
    "--color": ["auto", "always", "never", "blue"],
    "--seed": ["0", "7", "-1", "x", "99999999999999999999999", "1e3"],
    "--weights": ["weights.safetensors", "missing.safetensors", "tiny.arch", "folder", ""],
    "--keys": ["keys.txt", "missing", "tiny.onnx"],
    "--device": ["cpu", "cuda", "tpu"],
    "--opset": ["18", "20", "22", "1", "0", "-3", "99", "x"],
    "--dtype": ["f32", "f16", "bf16"],
    "--depth": ["0", "1", "2", "all", "-1", "x", "99999"],
    "--columns": ["params,macs", "layer,op,output,params", "nope", "", "saved,peak,field", "params,params",
        "model,input,moved,intensity", ","],
    "--sort": ["params", "nope", "macs", ""],
    "--convention": ["torch", "ptflops", "fvcore", "thop", "archdsl", "nope"],
    "--caption": ["Cost of $f$.", "", "50 % {", "}{", "a\\", "\n"],
    "--label": ["tab:cost", "", "a b", "}", "\\x"],
    "--symbolic": ["width", "n", "depth", "nope", "kind"],
    "--stage": ["ast", "ir", "x"],
    "--to": ["torch", "onnx", "x"],
    "-o": ["out", "out/a.py", "out/a.onnx", "out.x", "tiny.arch", "-", "", "/dev/null", "folder",
        "out/" + "d/" * 60, "a\0b"],
    "--input": ["random", "x=random", "x.npy", "photo.png", "text.npy", "x=x.npy", "ids=x.npy", "missing.npy",
        "a=b=c", "nope=random", ""],
}  # fmt: skip
"""Options that take a value, with some."""
FLAGS = [
    "--functions",
    "--exact",
    "--help",
    "-h",
    "--version",
    "--nope",
    "--",
    "-",
    "--fix",
    "--diff",
    "-v",
    "--verbose",
    "--quiet",
]
WORDS = ["conv", "bn", "unit", "nope", "E0302", "e0302", "E9999", "dense_block", "W0501", "", "\x1b[31m", "residual"]
COMMON = ["-p", "--dim", "--limit", "--color"]
OPTIONS = {
    "check": ["--format", "--limit", "--color"],
    "count": [
        *COMMON,
        "--format",
        "--depth",
        "--columns",
        "--sort",
        "--convention",
        "--symbolic",
        "--caption",
        "--label",
    ],
    "compile": [*COMMON, "-o", "--to", "--weights", "--keys", "--seed", "--opset", "--dtype"],
    "run": [*COMMON, "--input", "--device", "--weights", "--keys", "--seed", "--opset", "--dtype"],
    "test": ["--limit", "--color"],
    "verify": [*COMMON, "--device", "--weights", "--keys", "--seed", "--opset"],
    "ops": [],
    "explain": [],
    "show": [*COMMON, "--stage"],
}


@cache
def commands() -> tuple[str, ...]:
    """Every command that there is, and words that are none."""
    from archdsl.cli.main import COMMANDS

    return (*COMMANDS, "help", "--help", "-V", "nope", "")


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[str, ...]:
    """The arguments of the command."""
    names = commands()
    command = names[draw(below(len(names) + 30)) % len(names)]
    line = [command]
    if command in ("ops", "explain", "help"):
        if draw(below(3)):
            line.append(WORDS[draw(below(len(WORDS)))])
    else:
        for _ in range([1, 1, 1, 1, 1, 2, 0, 3][draw(below(8))]):
            line.append(TARGETS[min(draw(below(len(TARGETS))), draw(below(len(TARGETS))))])
    own = OPTIONS.get(command, [])
    for _ in range(draw(below(5))):
        every = draw(below(8)) == 0 or not own
        options = sorted(VALUES) if every else own
        option = options[draw(below(len(options)))]
        values = VALUES[option]
        value = values[draw(below(len(values)))]
        written = [f"{option}={value}"] if option.startswith("--") and draw(below(4)) == 0 else [option, value]
        line += written if draw(below(20)) else written[:1]
    if draw(below(6)) == 0:
        line.insert(draw(below(len(line) + 1)), FLAGS[draw(below(len(FLAGS)))])
    return tuple(line)


def lay_out(folder: Path) -> None:
    """Write the files that command lines name."""
    import archdsl
    from strategies import files

    for name, text in SPECS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8", "surrogateescape")
    net = archdsl.load(folder / "tiny.arch")
    net.onnx(folder / "tiny.onnx")
    archdsl.load(folder / "several.arch", "two").onnx(folder / "two.onnx")
    (folder / "weights.safetensors").write_bytes(files.packed(dict(net.weights())))
    (folder / "x.npy").write_bytes(files.npy()[0])
    (folder / "photo.png").write_bytes(files.images()[0])
