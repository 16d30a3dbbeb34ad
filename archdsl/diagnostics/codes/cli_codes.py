"""E06xx: what a command was asked to do cannot be done; E0911: a table that nobody could read."""

from archdsl.diagnostics.codes import CodePage

CODES: tuple[CodePage, ...] = (
    CodePage(
        "E0601",
        "no-such-file",
        "there is no file of that name",
        "The path is taken as it is written, from the folder in which the command runs. `check` and `test` accept\n"
        "folders too; `-` reads the spec from standard input. The exit code is 3.",
        "",
    ),
    CodePage(
        "E0602",
        "is-a-folder",
        "a folder was given where a spec file is needed",
        "`check` and `test` given a folder take every `.arch` file below it; the other commands need one file:\n"
        "`archdsl count specs/resnet.arch`.",
        "",
    ),
    CodePage(
        "E0603",
        "unreadable-file",
        "the system refuses to read the file",
        "The file is there, but permissions or a failing disk keep it from being read; the system's reason follows\n"
        "the message.",
        "",
    ),
    CodePage(
        "E0604",
        "not-utf8",
        "the file is not UTF-8 text",
        "Specs are UTF-8. The message gives the first byte that is not, counted from 0: it is most often a letter\n"
        "that an editor saved as Latin-1, or the file is no text at all. A byte-order mark is skipped.",
        "",
    ),
    CodePage(
        "E0605",
        "unknown-parameter",
        "the model has no parameter of that name",
        "`-p depth=101` sets the parameter `depth` that the model declares between its parentheses:\n\n"
        "    model resnet(depth: 18 | 34 | 50 = 50) { ... }\n\n"
        "The message lists the parameters there are. Sizes of the input that are symbols (`f32[N, 3, H, W]`) are\n"
        "no parameters; they are set with `--dim H=320`.",
        "",
    ),
    CodePage(
        "E0606",
        "unknown-dimension",
        "the model's inputs have no symbolic dimension of that name",
        "`--dim H=320` fixes a dimension that an input leaves open: `input image: f32[N, 3, H, W]`. A dimension\n"
        "that the spec writes as a number, or as a parameter of the model, cannot be set this way.",
        "",
    ),
    CodePage(
        "E0607",
        "bad-option-value",
        "an option's value is not what the option takes",
        '`-p NAME=VALUE` takes a literal of the language: `101`, `25.6M`, `0.2`, `true`, `"text"`, `[3, 4, 6]`, or\n'
        "a bare word, which is the name of a block where the parameter wants a block and text elsewhere. Where the\n"
        "parameter takes text, everything after the `=` is the text: `-p version=1.0`.\n"
        "`-p bias` and `-p '!bias'` set a flag, as `bias` and `!bias` do in a call (the quotes are for the shell).\n"
        "`count` takes several values, `-p depth=18,34,50`, for several networks; commas inside brackets belong to a\n"
        "list. `--dim NAME=SIZE` and `--limit NAME=COUNT` take positive integers. `--columns`, `--sort` and\n"
        "`--convention` take the names that `archdsl count --help` lists.",
        "",
    ),
    CodePage(
        "E0608",
        "no-specs",
        "the folder holds no .arch file",
        "`check` and `test` given a folder take every file below it whose name ends in `.arch`.",
        "",
    ),
    CodePage(
        "E0609",
        "unknown-limit",
        "there is no limit of that name",
        "Limits keep a spec from asking for more time or memory than anyone wants to give it. Their names are\n"
        "those that the diagnostics of the E09 family print, for example `--limit nodes=500_000`.",
        "",
    ),
    CodePage(
        "E0610",
        "unwritable-output",
        "an output file cannot be written",
        "The folder does not exist, the disk is full, or the system refuses access. Outputs are written beside\n"
        "their final place and renamed, so an older file of that name is still whole. The exit code is 3.",
        "",
    ),
    CodePage(
        "E0611",
        "symbolic-cost-too-large",
        "a symbolic count has too many terms to be written out",
        "Counts are exact for every value of the symbolic dimensions. Where many layers round differently the\n"
        "exact expression outgrows any use; fix the dimensions instead: `--dim H=320 --dim W=320`.",
        "",
    ),
    CodePage(
        "E0612",
        "no-such-model",
        "the file has no model of that name",
        "`archdsl count specs/resnet.arch:resnet50` asks for the model `resnet50` of that file. Models are the\n"
        "items that start with `model`, presets (`model resnet50 = resnet(depth = 50)`) included; blocks cannot\n"
        "be compiled on their own, because they have no inputs.",
        "",
    ),
    CodePage(
        "E0613",
        "ambiguous-model",
        "the file has several models and none was named",
        "With one model in the file its name may be left out. With several, `count` counts them all, and other\n"
        "commands want the name of the one that is meant after a\n"
        'colon: `archdsl count zoo.arch:vgg16`; in Python `archdsl.load("zoo.arch", "vgg16")`.',
        "",
    ),
    CodePage(
        "E0614",
        "no-model",
        "the file has no model",
        "Counting and compiling need a `model` with an `input`. A file that holds only blocks is a library: it\n"
        "can be checked, and other files can `use` its blocks.",
        "",
    ),
    CodePage(
        "E0911",
        "table-too-long",
        "the table has too many rows",
        "`--depth` opens blocks inside blocks; a block that contains itself twice doubles the rows with every\n"
        "level. Ask for a smaller depth, or raise the limit: `--limit nodes=1_000_000`.",
        "",
    ),
)
