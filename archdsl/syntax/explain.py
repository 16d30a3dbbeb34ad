"""What to say about a token that cannot stand where it stands."""

from archdsl.syntax.driver import Machine
from archdsl.syntax.lexer import Tokens
from archdsl.syntax.report import Reporter


def explain(reporter: Reporter, tokens: Tokens, position: int, machine: Machine) -> None:
    expected = machine.expected()
    reporter.error(
        "E0101",
        f"expected {sorted(expected)}, found {tokens.kinds[position]}",
        tokens.starts[position],
        tokens.ends[position],
    )
