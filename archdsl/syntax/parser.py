"""`parse`: from a source to its AST, every syntax error reported.

Nothing a text contains makes this raise: what cannot be read is reported and left out.
"""

from archdsl.diagnostics.model import Sink
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.syntax import ast
from archdsl.syntax.actions import Actions
from archdsl.syntax.driver import Machine
from archdsl.syntax.lexer import tokenize
from archdsl.syntax.reporter import Stop, SyntaxReporter
from archdsl.syntax.tokens import CLOSES, ITEM_STARTS, OPENS, Tokens


def parse(source: Source, sink: Sink, limits: Limits | None = None) -> ast.File | None:
    """The tree of `source`, or None where a limit was hit or there were too many errors.

    When the sink has errors afterwards, the tree lacks the items, statements and checks that could not be
    read: good for an editor's outline, not for elaboration.
    """
    reporter = SyntaxReporter(source, sink, limits or Limits())
    try:
        check_size(reporter)
        tokens = tokenize(reporter)
        return Machine(tokens, Actions(reporter, tokens), Recovery(reporter, tokens)).run()
    except Stop:
        return None


def check_size(reporter: SyntaxReporter) -> None:
    """Before anything is done with the text: its length decides what everything after costs."""
    text, most = reporter.source.text, reporter.limits.source_bytes
    size = len(text)
    if size <= most and not text.isascii():
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > most:
        message = f"the source is larger than {most} bytes"
        raise reporter.limit("E0901", message, 0, 0, f"it has {size} bytes or more", "source_bytes", 2 * size)


class Recovery:
    """The machine's answer to an error: explain it, and find the place to go on from."""

    def __init__(self, reporter: SyntaxReporter, tokens: Tokens) -> None:
        self.reporter = reporter
        self.tokens = tokens

    def __call__(self, machine: Machine, position: int) -> int:
        if not self.is_consequence(position):
            from archdsl.syntax.explain import explain

            explain(self.reporter, self.tokens, position, machine)
        start = machine.abandon()
        while (resume := self.resume_at(machine, position, start)) < 0:
            start = machine.abandon(further=True)
        return resume

    def is_consequence(self, position: int) -> bool:
        """Whether the error is where the lexer guessed, having reported why it had to."""
        start, end = self.tokens.starts[position], self.tokens.ends[position]
        if start == end and self.tokens.kinds[position] != "$END":
            return True
        return any(first <= start <= last for first, last in self.tokens.repaired)

    def resume_at(self, machine: Machine, position: int, start: int) -> int:
        """The first token after the error that can follow what was given up: the end of the statement it is in,
        outside brackets that were opened in it; between items, where one starts with a word that starts items.
        -1 where more must be given up, because the list it was in had ended before the error."""
        kinds = self.tokens.kinds
        between_items = "model" in machine.tables.actions[machine.states[-2]]
        depth = self.depth_since(start, position)
        if depth < 0 and len(machine.states) > 2:
            return -1
        while kinds[position] != "$END":
            kind = kinds[position]
            if kind in CLOSES:
                if depth == 0 and machine.accepts(kind):
                    return position
                depth = max(depth - 1, 0)
            elif kind in OPENS:
                depth += 1
            elif depth == 0 and kind in ("SEP", "|") and machine.accepts(kind):
                wanted = not between_items or kinds[position + 1] in ITEM_STARTS
                if wanted:
                    return position
            position += 1
        return position if machine.accepts("$END") or len(machine.states) == 2 else -1

    def depth_since(self, start: int, position: int) -> int:
        """How many brackets more were opened than closed between an offset and a token; 0 from nowhere."""
        kinds, starts = self.tokens.kinds, self.tokens.starts
        depth = 0
        at = position - 1
        while start >= 0 and at >= 0 and starts[at] >= start:
            depth += (kinds[at] in OPENS) - (kinds[at] in CLOSES)
            at -= 1
        return depth
