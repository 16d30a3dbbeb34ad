"""Layers, functions and methods of other frameworks, and how each is written here. Read only after a mistake."""

import re
from collections.abc import Sequence
from typing import Final

MODULES: Final = frozenset(
    {"F", "flax", "functional", "hk", "jax", "jnp", "keras", "layers", "linen"}
    | {"nn", "numpy", "np", "tensorflow", "tf", "torch", "torchvision"}
)
"""The name before the dot in front of a layer or function."""

_PYTORCH: Final = """
Conv1d Conv2d Conv3d: conv in_channels- out_channels=out kernel_size=kernel stride padding|0 dilation groups bias
ConvTranspose1d ConvTranspose2d ConvTranspose3d: conv_transpose in_channels- out_channels=out kernel_size=kernel \
stride padding output_padding groups bias dilation
Linear: linear in_features- out_features=out bias
BatchNorm1d BatchNorm2d BatchNorm3d: bn num_features- eps momentum affine
LayerNorm: layer_norm normalized_shape-number eps elementwise_affine=affine bias
GroupNorm: group_norm num_groups=groups num_channels- eps affine
InstanceNorm1d InstanceNorm2d InstanceNorm3d: instance_norm num_features- eps momentum- affine
MaxPool1d MaxPool2d MaxPool3d: max_pool kernel_size=kernel stride padding dilation return_indices! ceil_mode
AvgPool1d AvgPool2d AvgPool3d: avg_pool kernel_size=kernel stride padding ceil_mode count_include_pad
AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d: adaptive_avg_pool output_size
Flatten: flatten start_dim=start end_dim=end
Dropout: dropout p inplace-
Identity: id
ReLU: relu inplace-
ReLU6: relu6 inplace-
SELU: selu inplace-
SiLU: silu inplace-
Mish: mish inplace-
Hardswish: hard_swish inplace-
Hardsigmoid: hard_sigmoid inplace-
GELU: gelu approximate
Sigmoid: sigmoid
Tanh: tanh
Softplus: softplus beta
LeakyReLU: leaky_relu negative_slope inplace-
ELU: elu alpha inplace-
PReLU: prelu num_parameters init
Softmax: softmax dim=axis+
LogSoftmax: log_softmax dim=axis+
Embedding: embedding num_embeddings=vocab embedding_dim=dim
PixelShuffle: pixel_shuffle upscale_factor=scale
cat concat: concat tensors< dim=axis|0
stack: stack tensors< dim=axis|0
add: add input< other<
mul multiply: mul input< other<
sub subtract: sub input< other<
matmul bmm mm: matmul input< other<
relu: relu input< inplace-
relu6: relu6 input< inplace-
gelu: gelu input< approximate
silu: silu input< inplace-
sigmoid: sigmoid input<
tanh: tanh input<
leaky_relu: leaky_relu input< negative_slope inplace-
softmax: softmax input< dim=axis+
log_softmax: log_softmax input< dim=axis+
max_pool1d max_pool2d max_pool3d: max_pool input< kernel_size=kernel stride padding
avg_pool1d avg_pool2d avg_pool3d: avg_pool input< kernel_size=kernel stride padding
adaptive_avg_pool1d adaptive_avg_pool2d: adaptive_avg_pool input< output_size
dropout: dropout input< p
transpose: transpose input< dim0=first dim1=second
squeeze: squeeze input< dim=axis
unsqueeze: unsqueeze input< dim=axis
detach: detach input<
chunk: split input< chunks=sections dim=axis+
"""
"""A line for each, `names: ours parameters`. Of the parameters, in the order of the other framework: `a=b` is called
`b` here, `a-` says what is read off the input or has no meaning here (`-number`: where it is one number), `a<` is what
flows in, `a!` has no counterpart, `a+` is not sure where it is not given; `|v` is that framework's default where ours
is another."""

_OTHERS: Final = """
Conv1D Conv2D Conv3D: conv filters=out kernel_size=kernel strides=stride padding|0 data_format! dilation_rate=dilation \
groups activation> use_bias=bias input_shape-
Conv: conv features=out kernel_size=kernel strides=stride padding
Dense: linear units=out activation> use_bias=bias input_shape- input_dim-
BatchNormalization BatchNorm: bn
LayerNormalization: layer_norm
MaxPooling1D MaxPooling2D MaxPooling3D: max_pool pool_size=kernel|2 strides=stride padding
AveragePooling1D AveragePooling2D: avg_pool pool_size=kernel|2 strides=stride padding
GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D: global_avg_pool
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D: global_max_pool
Dropout2d SpatialDropout2D: dropout p
Activation: activation_of activation>
LSTM: lstm input_size- hidden_size=hidden num_layers=layers bias batch_first- dropout bidirectional
GRU: gru input_size- hidden_size=hidden num_layers=layers bias batch_first- dropout bidirectional
Upsample UpSampling2D: resize size scale_factor=scale mode
interpolate: resize input< size scale_factor=scale mode
mean: reduce_mean input< dim=axis keepdim
sum: reduce_sum input< dim=axis keepdim
max amax: reduce_max input< dim=axis keepdim
view reshape: reshape input< shape*
flatten: flatten input< start_dim=start end_dim=end
permute: permute input< dims*
"""
"""Those whose defaults, or whose axes, are others than here: shown as advice, never written into a file. `a>` is a step
that follows; `a*` gathers all further ones into a list."""

_BARE: Final = frozenset(
    (
        "out",
        "kernel",
        "vocab",
        "dim",
        "hidden",
        "p",
        "output_size",
        "axis",
        "start",
        "sections",
        "negative_slope",
        "alpha",
    )
)
"""Arguments that read well without their names, where they are the first ones."""


def _tables() -> dict[str, tuple[str, list[str], bool]]:
    found: dict[str, tuple[str, list[str], bool]] = {}
    for text, exact in ((_OTHERS, False), (_PYTORCH, True)):
        for line in text.strip().split("\n"):
            names, _, ours = line.partition(": ")
            callee, *parameters = ours.split()
            found |= dict.fromkeys(names.split(), (callee, parameters, exact))
    return found


LAYERS: Final = _tables()


def translated(name: str, arguments: Sequence[tuple[str, str]], flow: str = "") -> tuple[str, bool]:
    """A call as one writes it here, and whether that is exactly what it means there; empty where this page does not
    know. Arguments are pairs of a name, empty for positional ones, and a text. `flow` is what a method is called on."""
    callee, parameters, exact = LAYERS.get(name, ("", [], False))
    given: dict[str, str] = {}
    pending = list(arguments)
    if flow and callee and "<" in " ".join(parameters):
        pending.insert(0, ("", flow))
    if not flow and pending and re.fullmatch(r"[-\d\s,\[\]().]+", pending[0][1]):
        # A number does not flow in: a step was meant.
        parameters = [parameter for parameter in parameters if "<" not in parameter]
    rows = [re.fullmatch(r"(\w+)(?:=(\w+))?([-!<>*+]?)(number)?(?:\|(\w+))?", parameter) for parameter in parameters]
    names = [row[1] for row in rows if row]
    for position, (key, text) in enumerate(pending):
        many = next((at for at, row in enumerate(rows) if row and row[3] == "*" and at <= position), None)
        key = key or (names[many] if many is not None else names[position] if position < len(names) else "")
        if key not in names:
            return "", False
        given[key] = f"{given[key]}, {text}" if key in given and many is not None else text
    inputs: list[str] = []
    written: list[str] = []
    after = ""
    bare = True
    for row in rows:
        assert row is not None
        text = given[row[1]] if row[1] in given else row[5] or ""
        ours, mark = row[2] or row[1], row[3]
        if not text:
            bare, exact = False, exact and mark != "+"
        elif mark == "!" or (mark == "-" and row[4] and not re.fullmatch(r"\w+", text)):
            return "", False
        elif mark == "<":
            inputs.append(text)
        elif mark == ">":
            after = f" -> {text.strip(_QUOTES).rpartition('.')[2].lower()}"
        elif mark == "*":
            gathered = text.strip("()[]")
            written.append(f"[{gathered}]")
        elif mark != "-":
            value = converted(ours, text)
            bare = bare and ours in _BARE
            if value in ("true", "false"):
                # Both frameworks have the same default of a bias.
                if ours != "bias" or value == "false":
                    written.append(ours if value == "true" else f"!{ours}")
            else:
                written.append(value if bare else f"{ours} = {value}")
    step = callee + (f"({', '.join(written)})" if written else "")
    if callee == "activation_of":
        step, after = after.removeprefix(" -> "), ""
    if len(inputs) > 1:
        step = f"[{', '.join(inputs)}] -> {step}"
    elif inputs:
        step = f"{inputs[0]} -> {step}"
    return (step + after if callee else ""), exact and not after


def split(text: str) -> list[tuple[str, str]]:
    """Names and texts of arguments, which commas outside brackets and strings keep apart."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote or character in "\"'":
            quote = "" if character == quote else quote or character
        depth += (character in "([{") - (character in ")]}") if not quote else 0
        if character == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += character
    pairs = [re.fullmatch(r"\s*(?:(\w+)\s*=(?!=)\s*)?(.*?)\s*", part, re.DOTALL) for part in parts if part.strip()]
    return [(pair[1] or "", pair[2]) for pair in pairs if pair]


def rewritten(text: str, depth: int = 0) -> tuple[str, bool]:
    """The text of a call, modules before its name and calls inside a `Sequential` included, as `translated`; there a
    step that this page does not know stays as it is."""
    call = re.fullmatch(r"((?:\w+\.)*)(\w+)\s*(?:\((.*)\))?", text.strip(), re.DOTALL)
    if call is None or depth > 4 or len(text) > 2000:
        return "", False
    arguments = split(call[3] or "")
    if depth and not call[1] and call[2].islower():
        return "", False
    if call[2] != "Sequential":
        return translated(call[2], arguments)
    steps: list[str] = []
    exact = True
    for _, inner in arguments:
        step, sure = rewritten(inner, depth + 1)
        own = not step and re.fullmatch(r"\w+(\(.*\))?", inner, re.DOTALL)
        exact = exact and (sure or bool(own))
        steps.append(inner if own else step)
    return (" -> ".join(steps), exact) if steps and all(steps) else ("", False)


_QUOTES: Final = "\"'\u201c\u201d"


def converted(name: str, text: str) -> str:
    """The value of an argument: `(3, 3)` is 3, `True` is true, the padding of Keras is a word or 0."""
    word = text.strip(_QUOTES)
    if name == "padding" and word.lower() in ("same", "valid"):
        return "same" if word.lower() == "same" else "0"
    if text in ("True", "False", "None"):
        return text.lower()
    if text[:1] == "(" and text[-1:] == ")":
        parts = [part.strip() for part in text[1:-1].split(",") if part.strip()]
        return parts[0] if len(set(parts)) == 1 and parts[0].isdigit() else f"[{', '.join(parts)}]"
    return f'"{word}"' if word != text else text


_MARKS: Final = {
    "@": r"(?P<a>\w+)\s*@\s*(?P<b>\w+)",
    "^": r"(?P<a>[\w)]+)\s*\^\s*(?P<b>\w+)",
    "?": r"(?P<a>[^=({,;?]+?)\s*\?\s*(?P<b>[^:?]+?)\s*:\s*(?P<c>[^#;,)?]+)|(?<=\[)\s*\?",
}
"""How `@`, `^` and `?` are used elsewhere."""


def without_mark(text: str, position: int) -> tuple[str, tuple[tuple[int, int, str], ...]] | None:
    """How an expression with a character of other languages is written here, and the edit; None where it is none."""
    start = max(text.rfind("\n", 0, position) + 1, position - 200)
    end = text.find("\n", position)
    line = text[start : end if 0 <= end < position + 200 else position + 200]
    for found in re.finditer(_MARKS.get(text[position], r"(?!)"), line):
        if not found.start() <= position - start < found.end():
            continue
        if text[position] == "?" and line.count("?") > 1:
            return None  # which of two choices a `:` belongs to is not settled here
        a, b, c = (found.groupdict().get(name) for name in "abc")
        if text[position] == "@":
            mended = f"[{a}, {b}] -> matmul"
        elif text[position] == "^":
            mended = f"{a} ** {b}"
        else:
            mended = f"{(b or '').strip()} if {(a or '').strip()} else {(c or '').strip()}" if a else "N"
        first = start + found.start() + len(found[0]) - len(found[0].lstrip())
        last = start + found.start() + len(found[0].rstrip())
        help = "the size of a batch is a symbol: `N`" if mended == "N" else f"write `{mended}`"
        return help, ((first, last, mended),)
    return None
