"""E0801 to E0819: packages, providers and weight files."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0801",
        "missing-package",
        "an optional package is not installed",
        "Checking and counting need nothing but archdsl itself. PyTorch source that is to be\n"
        "executed, ONNX, weights and running need packages that are installed on request:\n"
        "\n"
        '    pip install "archdsl[torch]"     # torch\n'
        '    pip install "archdsl[onnx]"      # onnx, onnxruntime, numpy, safetensors, pillow\n'
        '    pip install "archdsl[all]"       # both',
        "",
    ),
    CodePage(
        "E0802",
        "missing-provider",
        "onnxruntime cannot run on the requested device",
        "`--device cuda` runs on a GPU or not at all: falling back to the CPU silently would turn\n"
        "a measurement into a lie. The CUDA provider comes with another build of onnxruntime,\n"
        "which replaces the CPU build:\n"
        "\n"
        "    pip uninstall onnxruntime\n"
        "    pip install onnxruntime-gpu\n"
        "\n"
        "The same code is reported when the provider is installed but fails to start, for example\n"
        "because no GPU driver or no matching CUDA and cuDNN libraries are found.",
        "",
    ),
    CodePage(
        "E0810",
        "unreadable-weights",
        "a file is not a complete safetensors file",
        "Weights are read from safetensors files only: a format that holds tensors and nothing\n"
        "that could run. The file given is truncated, damaged or of another format. A PyTorch\n"
        "checkpoint is converted with `safetensors.torch.save_file(model.state_dict(), path)`.",
        "",
    ),
    CodePage(
        "E0811",
        "missing-weights",
        "the weights lack some that the model needs",
        "The keys of a weights file are the paths of the model's weights, which are also the keys\n"
        "of the PyTorch module's state dict. Some are not in the file. The message lists a few of\n"
        "them, each with the most similar key that the file has and the model does not use. Batch\n"
        "normalisation's step counter (`num_batches_tracked`) may be left out; it does not take\n"
        "part in inference.",
        "",
    ),
    CodePage(
        "E0812",
        "unexpected-weights",
        "the weights hold some that the model does not have",
        "A key of the weights file is no path of the model. That is nearly always another\n"
        "architecture or another setting of a parameter, so it is an error and the extra tensors\n"
        "are not ignored.",
        "",
    ),
    CodePage(
        "E0813",
        "mismatched-weights",
        "a weight has another shape or kind of number than the model's",
        "Every tensor of a weights file must have exactly the shape the model gives it.\n"
        "Floating-point tensors of any precision are accepted and converted to the model's;\n"
        "integers are not taken for floats.",
        "",
    ),
    CodePage(
        "E0814",
        "weights-too-large",
        "the weights do not fit into the memory of this machine",
        "Writing weights means having them. The model's weights need more memory than this\n"
        "machine has, so they are not even started. Counting parameters works for any size:\n"
        "`archdsl count`.",
        "",
    ),
    CodePage(
        "E0815",
        "bad-key-map",
        "a line of a key map is no rule",
        "`--keys FILE` takes weights whose names are not the model's paths. The file has one rule per\n"
        "line, the name and the path; `#` starts a comment. A `*` stands for any text, the shortest\n"
        "that fits, and the path keeps it, so it has as many `*` as the name. `-` in place of the\n"
        "path leaves a tensor out.\n"
        "\n"
        "    features.*.norm.1.*   features.*.norm1.*\n"
        "    aux*                  -\n"
        "\n"
        "A rule without `*` goes before those with one; of these the first that fits counts. A name\n"
        "that no rule fits stays as it is. A name has one rule, and a map at most 100 rules with `*`.",
        "",
    ),
    CodePage(
        "E0816",
        "clashing-key-map",
        "a key map takes several tensors for one weight",
        "After renaming, two names of the weights file are the same path, and only one tensor can be\n"
        "loaded into a weight. Make the rule that catches too much narrower, or leave one of the\n"
        "tensors out with `NAME -`.",
        "",
    ),
)
