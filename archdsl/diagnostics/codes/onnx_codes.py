"""E0820 to E0839 and E0910, E0916 and E0920: ONNX models, written and run."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0820",
        "unsupported-opset",
        "the ONNX operator-set version is not supported",
        "Models are written for operator set 18 or newer, up to the newest one that the installed\n"
        "`onnx` package knows. The default is 20, which every onnxruntime from 1.17 on can run.\n"
        "Runtimes lag behind the format: a model for the newest operator set is valid and may\n"
        "still be refused by the runtime at hand.",
        "",
    ),
    CodePage(
        "E0821",
        "unsupported-dtype",
        "the number format cannot be written",
        "`--dtype` is `f32` (default) or `f16`. With `f16` the weights, all floating-point\n"
        "computation and the floating-point inputs and outputs are half precision; integer inputs\n"
        "stay as they are.",
        "",
    ),
    CodePage(
        "E0822",
        "underivable-dimension",
        "a dimension that is needed at run time cannot be computed from the inputs",
        "A symbolic dimension is read off the shapes of the inputs while the model runs. Where it\n"
        "stands in an input only inside an expression that cannot be solved for it (`f32[N,\n"
        "H*W]`), there is nothing to read. Give the dimension an axis of its own (`f32[N, H, W]`)\n"
        "or fix it: `--dim H=32`.",
        "",
    ),
    CodePage(
        "E0830",
        "unusable-model",
        "onnxruntime refuses the model",
        "The file is not a complete ONNX model, or uses something that the installed onnxruntime\n"
        "does not have. Its own words follow the message. Upgrading onnxruntime helps where the\n"
        "operator set is too new.",
        "",
    ),
    CodePage(
        "E0831",
        "unusable-input",
        "the data given cannot be fed to the model's input",
        "An input is an `.npy` file of the input's dtype and shape, an image file for an input\n"
        "`[N, C, H, W]` with 1 or 3 channels, or `random`. Several inputs are given by name:\n"
        "`--input ids=tokens.npy`.",
        "",
    ),
    CodePage(
        "E0832",
        "failed-run",
        "the model failed while running",
        "onnxruntime stopped inside the model, for example because the memory of the device was\n"
        "used up or a symbolic dimension got a value for which the model's shapes do not fit. Its\n"
        "own words follow.",
        "",
    ),
    CodePage(
        "E0833",
        "no-answer-for-sizes",
        "the sizes of the inputs are such that the model has no answer",
        "A symbolic dimension stands for every size from 1 on, but a network may need more: after\n"
        "`max_pool(2)` an image of height 1 has no rows left, `f32[N, 4*H]` takes no axis of 30, and\n"
        "`positions -> embedding(1024, d)` no sequence of more than 1024.\n"
        "PyTorch refuses most such sizes, onnxruntime answers some of them with NaN. So a compiled\n"
        "model carries its conditions (metadata `archdsl.conditions`), and `run`, `verify` and the\n"
        "sessions of the Python interface look at the shapes first. The note says which operator\n"
        "needs what. Feed inputs of other sizes, or set the symbol: `--dim H=32`.",
        "",
    ),
    CodePage(
        "E0834",
        "unseen-sizes",
        "the sizes of bound inputs cannot be looked at before the model runs",
        "A session of the Python interface looks at the sizes of its inputs before it runs. An\n"
        "`onnxruntime.IOBinding(session)` does not tell what was bound to it; the one that\n"
        "`session.io_binding()` makes is used in the same way, and does.",
        "",
    ),
    CodePage(
        "E0835",
        "too-large-to-run",
        "running the network takes more memory than there is",
        "What a run takes is known from the counts: the weights, once for each engine and each form in\n"
        "which it holds them, and the most that values take at once (the column `peak` of\n"
        "`archdsl count`) at the sizes of the inputs, twice in double precision, for `verify`. Where that is more\n"
        "than this machine, or the bounds of the process, have, nothing is run: the system would\n"
        "promise the memory and end the process when it is used. Smaller inputs take less:\n"
        "`--dim H=64`.",
        "",
    ),
    CodePage(
        "E0910",
        "too-many-nodes",
        "the program is too long to be written out",
        "ONNX and weights need every operator application written out once. `repeat` nodes and\n"
        "blocks multiply, so a short spec can describe more nodes than any machine holds; the\n"
        "number is computed beforehand and more than `--limit nodes` (20 000) is refused.\n"
        "Counting and checking never write a program out and have no such limit.",
        "",
    ),
    CodePage(
        "E0916",
        "run-too-long",
        "running the network takes more work than is allowed",
        "A short spec can describe a network that nobody waits for. `run`, `verify` and sessions take\n"
        "networks of 6 000 nodes, since onnxruntime needs the square of their number to prepare them,\n"
        "and of 1 000 000 000 000 floating-point operations at the sizes of the inputs. Run smaller\n"
        "sizes with `--dim`, or raise `--limit run_nodes` and `--limit run_gflops`.",
        "",
    ),
    CodePage(
        "E0920",
        "stopped-run",
        "running an ONNX file was stopped",
        "An ONNX file is a program, and one of a hundred bytes can ask for gigabytes or run for ever.\n"
        "`archdsl run` gives a file four times the bytes of its weights, 64 times those of the data\n"
        "given to it, 400 MiB on top, and 5 seconds of processor time and one more for each MiB of\n"
        "that. It runs in a process of its own, so a crash inside onnxruntime is reported here too.\n"
        "Where a file that you trust needs more: `--max-memory 8000 --max-seconds 600`. From Python,\n"
        "`archdsl.runtime.session` has no such bounds.",
        "",
    ),
)
