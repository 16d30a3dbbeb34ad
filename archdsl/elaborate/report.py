"""Reporting from anywhere in the elaborator: diagnostics with the chain of block calls, budgets, suggestions."""

import gc
import re
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager

from archdsl.diagnostics.model import Diagnostic, Edit, Frame, Label, Sink
from archdsl.elaborate.values import UNKNOWN, Unknown
from archdsl.ir.operator import Rejection
from archdsl.limits import Ledger, Limits
from archdsl.records import field, record
from archdsl.source import Span
from archdsl.types.dims import DimTooLarge, terms_of
from archdsl.types.tensor import TensorType

# What one piece of work costs in evaluation steps. The weights are proportional to measured time, so that the step
# limit is reached in well under a second whatever the spec does.
EXPRESSION_STEP = 1
CALL_STEPS = 20
OPERATOR_STEPS = 60
FILE_STEPS = 500
ENTRY_STEPS = 10
"""For every result, layer or the like that one number asks of an operator."""
ARGUMENT_STEPS = 4
"""For every argument written and every parameter bound."""
LEVELS_PER_STEP = 4
"""Levels of scopes that a name is looked up through for one step."""
CHARACTERS_PER_STEP = 32
"""Characters of strings copied for one step. Elements of lists looked at and terms of polynomials multiplied cost one
step each."""

TERM_STEPS = 16
"""For every term of a dimension of more than `SHORT` terms: rules add and compare dimensions, and so does whoever
counts the network."""
SHORT = 8

MAX_ERRORS = 100
"""After so many mistakes in a file elaboration stops: nobody reads more, and every one costs time. After so many
remarks it goes on without them."""
MAX_SUGGESTIONS = 20
"""Suggestions compare a name with every name in sight, so a run makes only so many."""
SURE_LENGTH = 4
"""A shorter name is one slip away from too many others."""
RECURSION_LIMIT = 100_000
"""Python frames the elaborator may use. Its recursion is bounded by `limits.levels`, a dozen frames each at most, and
by `limits.nesting` inside an expression; frames of Python functions calling each other live on the heap, so this
protects nothing but those limits, and leaves room to raise them."""


@contextmanager
def working_room() -> Generator[None]:
    """Allow `RECURSION_LIMIT` Python frames inside, and no garbage collection: it would look through all of those
    frames again and again, while the elaborator makes hardly any garbage that reference counts do not free."""
    before, collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(before, RECURSION_LIMIT))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        if collecting:
            gc.enable()


def symbolic_steps(types: Iterable[TensorType]) -> int:
    """What rules pay for dimensions that are long sums."""
    lengths = [terms_of(dim) for type in types for dim in type.dims if not isinstance(dim, int)]
    return TERM_STEPS * sum(length for length in lengths if length > SHORT)


class LimitReached(Exception):
    """A budget is spent: unwinds the elaborator to its entry, `elaboration`. The diagnostic has already been
    recorded."""


@contextmanager
def elaboration(sink: Sink, limits: Limits, file: Ledger | None = None) -> Generator["Reporter"]:
    """The way into everything that elaborates, and the only one that makes a `Reporter`: whatever ends elaboration
    early is a diagnostic when it gets here, and goes no further. What was spent is put on the accounts."""
    report = Reporter(sink, limits, file or Ledger())
    with working_room():
        try:
            try:
                yield report
            except DimTooLarge:
                report.dimension_limit()
            except Rejection as rejection:
                report.rejected(rejection)
        except LimitReached:
            pass
        finally:
            report.settle()


_OF_NAMES = ("E01", "E02", "W02")
"""Mistakes that do not depend on the call by which one comes to them."""
_FIGURE = re.compile(r"(?<![\w.])(?<!axis )\d[\d_,]*(?:\.\d+)?")


@record
class _Met:
    """Something that was reported: its own notes, and by how many ways elaboration came there."""

    found: Diagnostic
    notes: tuple[str, ...]
    routes: set[int] = field(default_factory=set[int])


@record
class Reporter:
    """Collects diagnostics, knows the current chain of block calls, and keeps the budgets.

    `errors` counts what was reported here, repeated findings included, which the sink keeps only once.
    """

    sink: Sink
    limits: Limits
    file: Ledger
    """The account of the file, where all of its models and tests are asked for."""
    frames: list[Frame] = field(default_factory=list[Frame])
    steps: int = 0
    instances: int = 0
    errors: int = 0
    suggestions: int = 0
    loops: list[tuple[str, Span]] = field(default_factory=list[tuple[str, Span]])
    """`i=2` of every loop being unrolled in the current function, outermost first."""
    written_out: Span | None = None
    """The last `repeat` that could not be folded."""
    here: Span | None = None
    """The place that last spent a step."""
    level: int = 0
    """Bodies and flows that are being run inside one another, over all blocks that are open."""
    allowed: int = 0
    """Steps that may be spent, once the first was."""
    met: dict[tuple[object, ...], "_Met"] = field(default_factory=dict[tuple[object, ...], "_Met"])
    """What was reported, by code, place and words without their figures."""

    def settle(self) -> None:
        """Put what was spent on the accounts."""
        for ledger in (self.file, self.limits.command):
            if ledger is not None:
                ledger.steps += self.steps

    def rejected(self, rejection: Rejection) -> Unknown:
        """An operator's rule that refuses outside `infer`."""
        return self.error(rejection.code, rejection.message, self.here, rejection.expected, help=rejection.help)

    def error(
        self,
        code: str,
        message: str,
        span: Span | None,
        label: str = "",
        *,
        help: str = "",
        notes: tuple[str, ...] = (),
        related: tuple[Label, ...] = (),
        severity: str = "error",
        edits: tuple[Edit, ...] = (),
    ) -> Unknown:
        """Record a finding with the current trace; returns poison, so that `return report.error(...)` reads well."""
        file = self.file
        if severity == "error":
            self.errors += 1
            if self.errors == MAX_ERRORS or file.errors == MAX_ERRORS - 1:
                notes = (*notes, f"this is mistake number {MAX_ERRORS}: the rest is not checked")
        elif file.warnings >= MAX_ERRORS:
            return UNKNOWN
        elif file.warnings == MAX_ERRORS - 1:
            notes = (*notes, f"this is remark number {MAX_ERRORS}: further ones are left out")
        trace = tuple(reversed(self.frames))
        if self.loops:
            trace = (Frame(f"loop {self.iteration()}", self.loops[-1][1]), *trace)
        route = hash(tuple([(frame.text, frame.span.start) for frame in trace if not frame.span.source.standard]))
        if span is not None and span.source.standard:
            span, label, related, trace = _at_the_authors_call(span, label, related, trace)
        known = len(self.sink.found)
        found = Diagnostic(
            code=code,
            message=message,
            span=span,
            label=label,
            related=related,
            notes=notes,
            help=help,
            trace=trace,
            severity="warning" if severity == "warning" else "error",
            edits=edits,
        )
        if not self._met_before(found, route):
            self.sink.add(found)
        added = len(self.sink.found) - known
        if severity == "error":
            file.errors += added
        else:
            file.warnings += added
        file.spent = file.spent or file.errors >= MAX_ERRORS
        if self.errors >= MAX_ERRORS or file.errors >= MAX_ERRORS:
            raise LimitReached
        return UNKNOWN

    def _met_before(self, found: Diagnostic, route: int) -> bool:
        """Whether the same was reported before, with the same figures or with those of another call: one mistake in a
        block, or in a loop, is met by every call and round that comes there. The one that is shown is the first, and
        says how many there are."""
        span = found.span
        if span is None:
            return False
        place = (found.code, id(span.source), span.start, span.end)
        before = self.met.setdefault((*place, _FIGURE.sub("#", found.message)), _Met(found, found.notes))
        others = before.routes
        again = before.found is not found and (found.message == before.found.message or route not in others)
        others.add(route)
        if again:
            if self.errors == MAX_ERRORS and found.severity == "error":
                before.notes = found.notes
            in_loop = before.found.trace[:1] and before.found.trace[0].text.startswith("loop ")
            what = "rounds of this loop" if in_loop else "calls"
            counted = f"it is so in {len(others)} {what}; this is the first"
            names = found.code.startswith(_OF_NAMES)
            before.found.notes = before.notes if names or len(others) == 1 else (*before.notes, counted)
        return again

    def limit(
        self,
        code: str,
        message: str,
        span: Span | None,
        name: str,
        label: str = "",
        help: str = "",
        related: tuple[Label, ...] = (),
    ) -> LimitReached:
        """Record that a limit was hit; the caller raises what is returned. `name` is that of the limit, empty for one
        that cannot be raised."""
        advice = f"if the network really is that large, raise the limit with --limit {name}=..." if name else ""
        self.error(code, message, span, label, help=help or advice, related=related)
        return LimitReached()

    def dimension_limit(self) -> LimitReached:
        """A symbolic dimension outgrew its bounds somewhere under the last step."""
        return self.limit("E0908", "a symbolic dimension grows without bounds", self.here, "", "while working on this")

    def iteration(self) -> str:
        """`[i=2, j=0]` of the loops being unrolled in the current function; empty outside loops."""
        return f"[{', '.join(text for text, _ in self.loops)}]" if self.loops else ""

    @contextmanager
    def inside(self, name: str, span: Span) -> Generator[None]:
        """A call of a block: one step of the chain that diagnostics show, with its own loops."""
        self.frames.append(Frame(f"`{name}`{self.iteration()}", span))
        loops, self.loops = self.loops, []
        try:
            yield
        finally:
            self.frames.pop()
            self.loops = loops

    def spend(self, steps: int, span: Span) -> None:
        """Charge evaluation steps."""
        self.steps += steps
        self.here = span
        if self.steps > self.allowed:
            self._overspent(span)

    def _overspent(self, span: Span) -> None:
        """More steps than were known to be allowed: `allowed` is worked out at the first one."""
        limits, command = self.limits, self.limits.command
        budgets = [(limits.steps, "steps"), (limits.file_steps - self.file.steps, "file_steps")]
        if command is not None:
            budgets.append((limits.command_steps - command.steps, "command_steps"))
        self.allowed, name = min(budgets, key=lambda budget: budget[0])
        if self.steps <= self.allowed:
            return
        if name != "steps":
            raise self._account_spent(name, span)
        related: tuple[Label, ...] = ()
        if self.written_out is not None:
            reason = "this repeat is written out, because its body changes the type of what flows"
            related = (Label(self.written_out, reason),)
        message = f"elaboration takes more than {self.limits.steps:,} steps"
        raise self.limit("E0907", message, span, "steps", "the budget ran out here", related=related)

    def _account_spent(self, name: str, span: Span) -> LimitReached:
        ledger, whose, most = self.file, "the models and tests of this file take", self.limits.file_steps
        if name == "command_steps" and self.limits.command is not None:
            ledger, whose, most = self.limits.command, "what this command looks at takes", self.limits.command_steps
        ledger.spent = True
        return self.limit("E0912", f"{whose} more than {most:,} steps in all", span, name, "the budget ran out here")

    def open(self, span: Span) -> None:
        """Charge one more body or flow that runs inside those that are running; whoever opens it counts it back. The
        interpreter's own stack grows with these, whatever nests them: braces, tuples or calls."""
        self.level += 1
        if self.level > self.limits.levels:
            message = f"more than {self.limits.levels:,} bodies and flows are open inside one another"
            help = "braces count once for every block that is open around them: nest less, or recurse less deeply"
            raise self.limit("E0913", message, span, "levels", "opened here", help=help)

    def instantiate(self, span: Span) -> None:
        """Charge one distinct instantiation."""
        self.instances += 1
        if self.instances > self.limits.instances:
            raise self.limit(
                "E0906",
                f"more than {self.limits.instances:,} distinct instantiations of blocks",
                span,
                "instances",
                "the budget ran out here",
            )

    def did_you_mean(self, name: str, candidates: Iterable[str]) -> str:
        """A suggestion for the help line, or the empty string."""
        self.suggestions += 1
        return did_you_mean(name, candidates) if self.suggestions <= MAX_SUGGESTIONS else ""

    def misspelt(self, name: str, span: Span, candidates: Iterable[str]) -> tuple[str, tuple[Edit, ...]]:
        """A suggestion for a name that stands at `span`, and the edit if nothing else can have been meant."""
        self.suggestions += 1
        known = set(candidates)
        found = nearest(name, known) if self.suggestions <= MAX_SUGGESTIONS else None
        if found is None:
            return "", ()
        certain = span.text == name and is_certain(name, found, known)
        return f"did you mean `{found}`?", (Edit(span, found),) if certain else ()


def _at_the_authors_call(
    span: Span, label: str, related: tuple[Label, ...], trace: tuple[Frame, ...]
) -> tuple[Span, str, tuple[Label, ...], tuple[Frame, ...]]:
    """Place, label, context and chain of a mistake that shows inside the standard library: at the call by which the
    author got there, if there is one."""
    for position, frame in enumerate(trace):
        if not frame.span.source.standard:
            inside = Label(span, label or "found here")
            return frame.span, f"inside {frame.text}", (inside, *related), trace[position + 1 :]
    return span, label, related, trace


_MAX_CANDIDATES = 300
LONGEST_COMPARED = 80
"""Comparing takes the square of the length, and nobody misspells a longer word."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate a person probably meant, or None. `difflib` is imported only here: it is needed only after a
    mistake."""
    from difflib import get_close_matches

    from archdsl.ops.synonyms import SYNONYMS

    if len(name) > LONGEST_COMPARED:
        return None
    pool = sorted({word for word in candidates if len(word) <= LONGEST_COMPARED})
    lowered = {candidate.lower(): candidate for candidate in pool}
    if name.lower() in lowered:
        return lowered[name.lower()]
    foreign = SYNONYMS.get(name.lower())
    if foreign in lowered:
        return foreign
    # Comparing is slow: with many candidates only those of about the same length and with the same start count.
    if len(pool) > _MAX_CANDIDATES:
        pool = [word for word in pool if abs(len(word) - len(name)) <= 2 and word[:1] == name[:1]][:_MAX_CANDIDATES]
    found = get_close_matches(name, pool)
    return found[0] if found else None


def is_certain(name: str, found: str, candidates: Iterable[str]) -> bool:
    """Whether only `found` can have been meant: it is the same but for capitals, the word for it elsewhere, or the one
    candidate that a single slip of the keyboard makes of the name, digits and short names aside."""
    from archdsl.diagnostics.spelling import is_slip
    from archdsl.ops.synonyms import GUESSES, SYNONYMS

    lowered = name.lower()
    if lowered == found.lower() or (SYNONYMS.get(lowered) == found and lowered not in GUESSES):
        return True
    if len(name) < SURE_LENGTH:
        return False
    return [other for other in candidates if is_slip(name, other)] == [found]


def foreign_argument(name: str, names: Sequence[str]) -> str:
    """The help for an argument that other frameworks have, or the empty string. A name in `names` comes first."""
    from archdsl.ops.synonyms import ARGUMENTS, LEFT_OUT, READ_OFF

    if name in READ_OFF:
        return "leave it out: it is read off the input"
    if name in LEFT_OUT:
        return f"leave it out: {LEFT_OUT[name]}"
    ours = next((each for each in ARGUMENTS.get(name, ()) if each in names), "")
    return ours and f"it is called `{ours}` here"


def no_such_symbol(name: str, declared: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """What E0606 says of a symbol that no input has: the message and the notes."""
    known = ", ".join(sorted(declared))
    return f"the model has no symbolic dimension `{name}`", (f"its symbols are {known}" if known else "it has none",)


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A suggestion for the help line, or the empty string."""
    found = nearest(name, candidates)
    return f"did you mean `{found}`?" if found else ""


def as_written(span: Span, most: int = 60) -> str:
    """What the author wrote there, on one line and shortened, to be shown in a help."""
    text = " ".join(span.text[: 4 * most].split())
    return text if len(text) <= most else text[: most - 3] + "..."
