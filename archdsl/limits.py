"""How much of everything a spec may ask for; every pass takes one `Limits` and asks it, so no input can hang
or bloat us.

Accounts are what is spent against a limit. These exist:

- Elaboration has one for each model or test (`steps`), one for each file and one for the command (`Ledger.steps`). A
  test has two of the first kind: that of its own arguments and checks, and that of its model. Both are put on the
  account of the file, so what many tests do is bounded there.
- Each file of the standard library has an account of its own: what reading it costs is the same for everybody, and must
  not depend on who is the first to name a block of it.
- Analyses have one for each network, one for each file and one for the command (`Ledger.analysis`, `analysis.effort`).
  `test` gives each network a part of what the file may spend, so that one that takes too long fails alone.
- What a network is written out to (nodes of ONNX, weights, statements of PyTorch) and what running it takes is known
  from its counts before anything is done, so it is compared with a limit, and needs no account.
- Formulas (`families`) count a network often: each time with steps of its own, and all together with nodes.

The name of a field is its name on the command line: `--limit nesting=400`. A limit that is hit is a
diagnostic with a code of the E09 family, which the command line turns into exit code 4.
"""

from archdsl.records import field_names, record

ANALYSIS_STEPS = 3_000_000
"""Steps of the analyses of all networks of one file, under one setting of their parameters. Those of a DenseNet of
121 layers, in every column, take a thirtieth of that."""

TEST_ANALYSIS_STEPS = 1_000_000
"""Steps of the analyses of the network of one test, which are its costs and its depth alone."""

COMMAND_ANALYSIS_STEPS = 75_000_000
"""Steps of the analyses of all networks of one command."""


@record
class Ledger:
    """The steps spent on one file, or by one command, over all models and tests that were elaborated for it."""

    steps: int = 0
    analysis: int = 0
    """Steps of analyses: of what the columns of a table say."""
    errors: int = 0
    warnings: int = 0
    spent: bool = False
    """Whether nothing is left: what has not been looked at will not be."""


@record
class Limits:
    """The defaults of version 1 (see "Limits" in the language reference). Never mutated after creation."""

    source_bytes: int = 256 * 1024
    """UTF-8 bytes of one source."""
    import_bytes: int = 1 << 20
    """UTF-8 bytes of a source together with everything it imports."""
    nesting: int = 200
    """Brackets of any kind inside one another."""
    terms: int = 1000
    """Terms joined by operators in one expression."""
    integer_bits: int = 63
    """Integers, written or computed, are below 2 to this power."""
    depth: int = 256
    """Blocks expanded inside one another."""
    instances: int = 100_000
    """Distinct instantiations of blocks."""
    steps: int = 1_000_000
    """Steps of evaluation of one model or test."""
    file_steps: int = 4_000_000
    """Steps of evaluation of all models and tests of one file."""
    command_steps: int = 100_000_000
    """Steps of evaluation of all files of one command."""
    levels: int = 1_500
    """Bodies and flows open inside one another, over all blocks that are open. CPython holds them on the heap; compiled
    for browsers it has a stack of 1 MB, which 2,700 of the most costly kind fill."""
    nodes: int = 20_000
    """Nodes written out by a lowering that has to flatten the program; rows of a table. ResNet-1202 has 5,400."""
    written: int = 80_000
    """Parts that PyTorch source is written from: ten for an operator or a call of every distinct block, one for each
    tensor that it takes or gives. DenseNet-121 is a tenth of that."""
    run_nodes: int = 6_000
    """Nodes of a network that is run: preparing them takes onnxruntime the square of their number."""
    run_gflops: int = 1_000
    """Thousands of millions of floating-point operations of a run."""
    command: Ledger | None = None
    """The account of the whole command, against `command_steps`. From Python every call has its own budgets."""

    def __repr__(self) -> str:
        usual = Limits()
        own = [name for name in field_names(Limits) if getattr(self, name) != getattr(usual, name)]
        return f"Limits({', '.join(f'{name}={getattr(self, name)!r}' for name in own)})"


def limit_names() -> list[str]:
    """The names that `--limit` can set."""
    return [name for name in field_names(Limits) if name != "command"]
