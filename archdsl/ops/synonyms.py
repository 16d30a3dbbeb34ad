"""Names that other frameworks and papers use for what the catalogue and the standard library call otherwise. Read only
after a mistake, to suggest what a resemblance of spelling would miss or get wrong."""

SYNONYMS: dict[str, str] = {
    "activation": "relu",
    "adaptiveavgpool2d": "global_avg_pool",
    "astype": "cast",
    "avgpool2d": "avg_pool",
    "batchnorm": "batch_norm",
    "batchnorm2d": "batch_norm",
    "bilinear": "resize",
    "broadcast_to": "repeat_dim",
    "bmm": "matmul",
    "cat": "concat",
    "channelshuffle": "channel_shuffle",
    "concatenate": "concat",
    "conv2d": "conv",
    "convolution": "conv",
    "convtranspose2d": "conv_transpose",
    "deconv": "conv_transpose",
    "dense": "linear",
    "depthwise": "depthwise_conv",
    "depthwiseconv2d": "depthwise_conv",
    "expand": "repeat_dim",
    "fc": "linear",
    "fully_connected": "linear",
    "gap": "global_avg_pool",
    "global_average_pool": "global_avg_pool",
    "globalaveragepooling": "global_avg_pool",
    "globalaveragepooling2d": "global_avg_pool",
    "identity": "id",
    "invertedresidual": "inverted_residual",
    "interpolate": "resize",
    "layernorm": "layer_norm",
    "lppool2d": "lp_pool",
    "max_pooling": "max_pool",
    "maxpool2d": "max_pool",
    "multiply": "mul",
    "pixelshuffle": "pixel_shuffle",
    "plus": "add",
    "se": "squeeze_excite",
    "se_block": "squeeze_excite",
    "repeat_interleave": "repeat_dim",
    "sepconv": "separable_conv",
    "separableconv2d": "separable_conv",
    "skip": "residual",
    "stochastic_depth": "drop_path",
    "stop_gradient": "detach",
    "swapaxes": "transpose",
    "swish": "silu",
    "upsample": "resize",
    "view": "reshape",
}
"""Lower-case foreign name to ours; every value is an operator or a standard block (a test checks it)."""

GUESSES: frozenset[str] = frozenset({"activation", "bilinear", "interpolate", "skip"})
"""Those of them that mean other things too."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "activation": ("nonlinearity",),
    "ceil": ("ceil_mode",),
    "chunks": ("sections",),
    "dilation_rate": ("dilation",),
    "dim": ("axis", "axes"),
    "dims": ("axes", "axis"),
    "elementwise_affine": ("affine",),
    "embedding_dim": ("dim",),
    "end_dim": ("end",),
    "filters": ("out",),
    "hidden_size": ("hidden",),
    "is_causal": ("causal",),
    "kernel_size": ("kernel",),
    "length": ("stop",),
    "n_heads": ("heads",),
    "nhead": ("heads",),
    "num_embeddings": ("vocab",),
    "num_groups": ("groups",),
    "num_heads": ("heads",),
    "num_layers": ("layers",),
    "out_channels": ("out",),
    "out_features": ("out",),
    "pool_size": ("kernel",),
    "rate": ("p",),
    "return_state": ("states",),
    "scale_factor": ("scale",),
    "split_size_or_sections": ("sections",),
    "start_dim": ("start",),
    "strides": ("stride",),
    "units": ("out", "hidden"),
    "use_bias": ("bias",),
}
"""Foreign name of an argument to ours; the first that the operator or block has is meant."""

READ_OFF: frozenset[str] = frozenset(
    {"embed_dim", "in_channels", "in_features", "input_size", "normalized_shape", "num_channels", "num_features"}
)
"""Foreign arguments that say what the input's shape says here."""

AMBIGUOUS: dict[str, tuple[str, ...]] = {
    "act": ("relu", "gelu"),
    "activate": ("relu", "gelu"),
    "avgpool": ("avg_pool", "global_avg_pool"),
    "average": ("mean", "reduce_mean"),
    "cell": ("lstm", "gru"),
    "global_pool": ("global_avg_pool", "global_max_pool"),
    "globalpool": ("global_avg_pool", "global_max_pool"),
    "merge": ("add", "concat"),
    "norm": ("batch_norm", "layer_norm"),
    "normalize": ("batch_norm", "layer_norm"),
    "pool": ("max_pool", "avg_pool"),
    "pooling": ("max_pool", "avg_pool"),
    "pool2d": ("max_pool", "avg_pool"),
    "recurrent": ("lstm", "gru"),
    "shortcut": ("id", "projection"),
    "sum": ("add", "reduce_sum"),
}
"""Lower-case foreign names that may mean one of several things here."""

FUNCTIONS: frozenset[str] = frozenset(
    {"abs", "enumerate", "exp", "float", "int", "log", "log10", "pow", "range", "str", "zip"}
)
"""Functions of Python with a counterpart in expressions; `elaborate.advice` has the words."""

NO_FUNCTIONS: frozenset[str] = frozenset({"all", "any", "cos", "filter", "map", "prod", "reversed", "sin", "tan"})
"""Functions of Python without a counterpart."""

_NONE = "there is no operator for it; "
TENSOR_FUNCTIONS: dict[str, str] = {
    "abs": "max { id | sub { constant(0) | id } }",
    "clamp": "min {{ max {{ id | constant({}) }} | constant({}) }}",
    "clip": "min {{ max {{ id | constant({}) }} | constant({}) }}",
    "cos": f"{_NONE}positions are learned: `positions -> embedding(1024, d)`",
    "exp": f"{_NONE}weights that sum to 1 come of `softmax`, values above 0 of `softplus`",
    "hardtanh": "min {{ max {{ id | constant({}) }} | constant({}) }}",
    "log": f"{_NONE}logarithms of weights that sum to 1 come of `log_softmax`",
    "neg": "mul { id | constant(-1) }",
    "pow": "mul { id | id }",
    "sin": f"{_NONE}positions are learned: `positions -> embedding(1024, d)`",
    "sqrt": f"{_NONE}what is divided by the root of a mean square is `rms_norm`",
    "square": "mul { id | id }",
}
"""Functions of every element that have no operator: what they are made of, or what there is instead."""

_LAST = "there is no statement for it: an empty body is `{ }`"
_SEEN = "nothing is printed from a spec: `archdsl count` shows every layer, and `expect [N, c, ...]` states a shape"
_LOOPS = "loops run to their end: choose with `if`, or count less far"
MEANINGS: dict[str, str] = {
    "Input": "an input is declared: `input x: f32[N, 3, 224, 224]`",
    "Model": "a network is a `model name { ... }`, its inputs and outputs are statements in it",
    "Module": "a network is a `model name { ... }`, a part of one a `block`",
    "begin": "bodies stand in braces: `{ ... }`",
    "break": _LOOPS,
    "continue": _LOOPS,
    "end": "bodies stand in braces: `{ ... }`",
    "error": 'a parameter is refused by `require condition, "message"`',
    "forward": "what flows is not called: a body is its steps, one after another",
    "isinstance": "the type of a parameter is declared: `block b(n: int) { ... }`",
    "pass": _LAST,
    "print": _SEEN,
    "println": _SEEN,
    "self": "there is no `self`: steps stand in the flow by their names",
    "sequential": "braces alone are steps in turn: `{ conv(64, 3) -> relu }`",
    "sorted": "lists stay in the order in which they are written",
    "super": "nothing is inherited: call a block by its name",
    "then": "bodies stand in braces: `if wide { relu }`",
    "type": "the type of a parameter is declared: `block b(n: int) { ... }`",
    "unless": "write `if not condition { ... }`",
}
"""Foreign words without a counterpart by name: what to write instead."""
DTYPES: dict[str, str] = {
    "bfloat16": "bf16",
    "boolean": "bool",
    "byte": "u8",
    "double": "f64",
    "float": "f32",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "fp16": "f16",
    "fp32": "f32",
    "half": "f16",
    "int": "i64",
    "int32": "i32",
    "int64": "i64",
    "long": "i64",
    "tensor": "f32",
    "uint8": "u8",
}
"""Names of number formats elsewhere."""

TYPES: dict[str, str] = {
    "array": "list",
    "boolean": "bool",
    "double": "float",
    "function": "block",
    "integer": "int",
    "layer": "block",
    "module": "block",
    "number": "float",
    "str": "string",
    "text": "string",
    "tuple": "list",
    "uint": "int",
}
"""Lower-case names of types elsewhere."""

LEFT_OUT: dict[str, str] = {
    "batch_first": "sequences are [N, T, features]",
    "data_format": "images are [N, channels, height, width]",
    "device": "where a network runs is said when it runs",
    "inplace": "no step changes what flows into it",
    "input_shape": "it is read off the input",
    "trainable": "what is trained is said where it is trained; `detach` stops gradients",
    "training": "PyTorch is told when it trains: `net.train()`",
}
"""Foreign arguments that nothing here corresponds to, and why."""
VALUES: dict[str, str] = {
    "FALSE": "false",
    "False": "false",
    "NULL": "none",
    "None": "none",
    "TRUE": "true",
    "True": "true",
    "nil": "none",
    "no": "false",
    "null": "none",
    "nullptr": "none",
    "off": "false",
    "on": "true",
    "undefined": "none",
    "yes": "true",
}
"""Foreign words for `true`, `false` and `none`."""
