"""The body of `forward`: steps folded into lines a person would write, with names a person would give.

Folding. A value that is read once may be written inside the line that reads it. Along a chain a line holds at most
three applications and at most one heavy one (a convolution, a linear layer, a block), which begins the line, or
ends it when a normalisation came first. A pool ends its line. Where several chains meet (`add`, `concat`) they are
written inside when each is short.

Names. The author's names are kept where a value is bound by name, read more than once or read later; everything
else is the running value `x`, or `y`, `z`, ... while `x` is still needed."""

import ast
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import islice

from archdsl.backends.torch.expressions import Expressions, Scope
from archdsl.backends.torch.folding import LINE, branches
from archdsl.backends.torch.items import Body, Item, Loop, Step, free, steps
from archdsl.backends.torch.layout import WIDTH, flat
from archdsl.backends.torch.names import identifier, unused
from archdsl.backends.torch.places import access
from archdsl.backends.torch.records import Code, Infix, Leaf, Nested, Pack, Recomputed, applications
from archdsl.backends.torch.tree import attribute, call, name, range_, self_, sequence, target
from archdsl.ir.program import Value
from archdsl.records import record
from archdsl.types.dims import Dim
from archdsl.types.tensor import TensorType

POOL = ("x", "y", "z", "u", "v", "w")
COUNTERS = ("i", "j", "k", "m", *(f"i{n}" for n in range(99)))


@record
class _Pending:
    """A value that is not assigned yet: its code, and what the line would hold."""

    code: ast.expr
    reads: list[Value]
    applications: int
    heavy: bool
    norm_first: bool
    closed: bool
    type: TensorType | None
    """None for a pack, which has no shape."""


class Forward:
    """Writes `forward` for one class. `leaf` gives the code of a literal, `times` the code of a loop's count,
    `lists` the lists that a loop walks through (None: it counts), `size` the text of a dimension."""

    def __init__(
        self,
        body: Body,
        leaf: Callable[[Leaf, bool], ast.expr | None],
        times: Callable[[Loop], ast.expr],
        lists: Callable[[Loop], list[str] | None],
        size: Callable[[Dim], str],
        *,
        comments: bool = False,
        output_names: Sequence[str] = (),
        reserved: Iterable[str] = (),
    ) -> None:
        self._body = body
        self._expressions = Expressions(body.families, leaf)
        self._times = times
        self._lists = lists
        self._size = size
        self._comments = comments
        self.comments: dict[ast.stmt, str] = {}
        self._pending: dict[Value, _Pending] = {}
        self._open: dict[Value, None] = {}  # pending values that no branch written elsewhere makes
        self._vars: dict[Value, str] = {}
        self._holding: Counter[str] = Counter()
        self._forced: dict[Value, str] = {}
        self._left = body.reads()
        self._total = Counter(self._left)
        self._shown: TensorType | None = None
        self._spare = 0
        self._depth = 0
        self._indent = 8
        self._taken = set(reserved)
        self._pack = unused("xs", {*reserved, *body.names.values(), *output_names})
        self._author = self._author_names(output_names)
        self._inside = branches(body.items, self._total, self._author)
        self._inner_values = {value for step in self._inside for value in step.outputs}
        self.arguments: list[str] = []
        """The arguments of the method; `*xs` for a pack."""
        for value in body.inputs:
            self.arguments.append(self._argument(value))

    # -------------------------------------------------------------------------------------------------- names

    def _author_names(self, output_names: Sequence[str]) -> dict[Value, str]:
        """Names that stay: bindings, and labels of values that are read again."""
        found: dict[Value, str] = {}
        chosen = dict(self._body.names)
        if len(output_names) > 1:
            chosen.update(zip(self._body.outputs, output_names, strict=True))
        for value in self._body.inputs:
            if value not in self._body.names:
                continue
            if self._body.names[value] == POOL[0] and list(chosen.values()).count(POOL[0]) == 1:
                found[value] = POOL[0]  # the author's word for the running value too
            else:
                found[value] = self._reserve(self._body.names[value])
        outputs = set(self._body.outputs) if len(output_names) > 1 else set[Value]()
        by_steps = Counter([*self._body.outputs, *(v for step in steps(self._body.items) for v in step.code.values)])
        pending: list[list[Item]] = [self._body.items]
        while pending:
            items = pending.pop()
            for position, item in enumerate(items):
                if isinstance(item, Loop):
                    pending.append(item.steps)
                    continue
                last = position + 1 == len(items)
                for value in item.outputs:
                    label = item.place.name == chosen.get(value) or isinstance(item.code, Recomputed)
                    label = label and value not in outputs
                    if value not in chosen or by_steps[value] < (2 if label else 1) or (last and value not in outputs):
                        continue
                    found[value] = self._reserve(chosen[value])
        return found

    def _reserve(self, text: str) -> str:
        chosen = identifier(text, self._taken)
        self._taken.add(chosen)
        return chosen

    def _argument(self, value: Value) -> str:
        if isinstance(value, Pack):
            self._hold(value, self._pack)
            return f"*{self._pack}"
        # Arguments have distinct names, those that nothing reads too.
        others = {*self.arguments, *(self._author[each] for each in self._body.inputs if each in self._author)}
        chosen = self._author.get(value) or self._free((), others)
        self._hold(value, chosen)
        return chosen

    def _free(self, dying: Sequence[str], besides: Container[str] = ()) -> str:
        """A variable for an unnamed value: one that is not needed any more, if possible one that this line reads."""
        for each in dying:
            if each != self._pack and each not in self._taken and self._holding[each] == 0:
                return each
        for each in POOL:
            if each not in self._taken and each not in besides and self._holding[each] == 0:
                return each
        self._spare += 1
        while f"x{self._spare}" in self._taken:
            self._spare += 1
        return f"x{self._spare}"

    def _hold(self, value: Value, variable: str) -> None:
        self._vars[value] = variable
        if self._left[value] > 0:
            self._holding[variable] += 1

    def _read(self, value: Value) -> str | None:
        """Account for one read of an assigned value; the variable, if that was the last one."""
        self._left[value] -= 1
        if self._left[value] == 0:
            variable = self._vars[value]
            self._holding[variable] -= 1
            return variable
        return None

    # ------------------------------------------------------------------------------------------------ folding

    def _extends(self, pending: _Pending, step: Step, more: int) -> bool:
        """Whether a line goes on with a step."""
        if pending.closed or pending.applications + more > LINE:
            return False
        return not (step.weight == "heavy" and pending.heavy)

    # ------------------------------------------------------------------------------------------------ writing

    def write(self, returns: Sequence[tuple[Value, bool]]) -> list[ast.stmt]:
        """The statements of `forward`. `returns` are the results; True marks those that exist in training only."""
        statements: list[ast.stmt] = []
        usual = [item for item in self._body.items if not item.train_only]
        training = [item for item in self._body.items if item.train_only]
        if not training and not any(train for _, train in returns):
            self._items(usual, statements, Scope())
            self._return([value for value, _ in returns], statements)
            return statements
        self._items(usual, statements, Scope())
        self._flush(statements)
        inner: list[ast.stmt] = []
        self._indent += 4
        self._items(training, inner, Scope())
        self._return([value for value, _ in returns], inner, keep=True)
        self._indent -= 4
        statements.append(ast.If(self_("training"), inner, []))
        self._return([value for value, train in returns if not train], statements, keep=True)
        return statements

    def write_method(self, counters: Sequence[bool]) -> list[ast.stmt]:
        """The statements of a method that is handed those counters of the loops around its call; its arguments then
        begin with them."""
        names: list[str] = []
        for used in counters:
            names.append(next(each for each in COUNTERS if self._is_new(each) and each not in names) if used else "")
        self.arguments = [*filter(None, names), *self.arguments]
        self._taken.update(names)
        statements: list[ast.stmt] = []
        self._items(self._body.items, statements, Scope(counters=tuple(names)))
        self._return(self._body.outputs, statements)
        return statements

    def _return(self, values: Sequence[Value], statements: list[ast.stmt], *, keep: bool = False) -> None:
        for value in list(self._pending):
            if value not in values or len(values) > 1:
                self._assign(value, statements)
        codes: list[ast.expr] = []
        for value in values:
            pending = self._take(value)
            if pending is not None:
                codes.append(pending.code)
                continue
            codes.append(name(self._vars[value]))
            if not keep:
                self._read(value)
        if len(codes) == 1:
            codes = [self._hoisted(codes[0], self._free(()), statements)]
        result = ast.Return(codes[0] if len(codes) == 1 else sequence(codes))
        if len(values) == 1:
            self._comment(result, values[0].type)
        statements.append(result)

    def _comment(self, statement: ast.stmt, type: TensorType | None) -> None:
        """The shape after a statement, where it has changed and there is room. The text is our own: symbols are
        names."""
        if not self._comments or self._depth or type is None or type == self._shown:
            return
        assert isinstance(statement, ast.Assign | ast.Return)
        value = statement.value
        assert value is not None
        start = f"{flat(statement.targets[0])} = " if isinstance(statement, ast.Assign) else "return "
        text = f"[{', '.join(map(self._size, type.dims))}]"
        if isinstance(value, ast.Name) or not self._fits(start + text + "    ", value):
            return
        self._shown = type
        self.comments[statement] = text

    def _items(self, items: Sequence[Item], statements: list[ast.stmt], scope: Scope) -> None:
        for item in items:
            if isinstance(item, Loop):
                self._loop(item, statements, scope)
            else:
                self._step(item, statements, scope)

    def _flush(self, statements: list[ast.stmt]) -> None:
        for value in list(self._pending):
            self._assign(value, statements)

    def _assign(self, value: Value, statements: list[ast.stmt]) -> None:
        pending = self._take(value)
        assert pending is not None
        dying = [variable for read in pending.reads if (variable := self._read(read)) is not None]
        variable = self._variable(value, dying)
        self._hold(value, variable)
        if isinstance(pending.code, ast.Name) and pending.code.id == variable:
            return
        code = self._hoisted(pending.code, variable, statements)
        statement = ast.Assign([target(variable)], code)
        self._comment(statement, pending.type)
        statements.append(statement)

    def _hoisted(self, code: ast.expr, variable: str, statements: list[ast.stmt]) -> ast.expr:
        """Where a method is called on a call and the line is too long, the call gets a line of its own."""
        if self._fits(f"{variable} = ", code) or not isinstance(code, ast.Call):
            return code
        method = code.func
        if isinstance(method, ast.Attribute) and isinstance(method.value, ast.Call):
            receiver = self._hoisted(method.value, variable, statements)
            statements.append(ast.Assign([target(variable)], receiver))
            return ast.Call(attribute(name(variable), method.attr), code.args, code.keywords)
        return code

    def _fits(self, start: str, code: ast.expr) -> bool:
        """Whether a statement that begins like this fits on a line."""
        return self._indent + len(start) + len(flat(code)) <= WIDTH

    def _variable(self, value: Value, dying: Sequence[str]) -> str:
        if isinstance(value, Pack):
            return self._pack
        forced = self._forced.get(value)
        if forced is not None and self._holding[forced] == 0:
            return forced
        return self._author.get(value) or self._free(dying)

    def _step(self, step: Step, statements: list[ast.stmt], scope: Scope) -> None:
        values = step.code.values
        counts = Counter(values)
        own = applications(step.code)
        merges = len(counts) > 1
        folded: dict[Value, _Pending] = {}
        inside = step in self._inside
        for value in self._touched(counts) if inside else list(self._pending):
            pending = self._pending[value]
            if counts[value] == 1 and self._total[value] == 1 and value not in self._author:
                small = isinstance(step.code, Infix) and pending.applications == 1
                if merges and (value in self._inner_values or small):
                    folded[value] = pending
                    continue
                if not merges and (inside or self._extends(pending, step, own)):
                    folded[value] = pending
                    continue
            self._assign(value, statements)
        code = self._code(step.code, folded, scope)
        breaks = isinstance(step.code, Infix) or (not merges and not inside)
        if folded and breaks and not self._fits("return ", code):
            for value in folded:
                self._assign(value, statements)
            folded = {}
            code = self._code(step.code, folded, scope)
        for value in folded:
            self._take(value)
        reads = [each for value in values for each in (folded[value].reads if value in folded else [value])]
        if len(step.outputs) != 1:
            self._unpack(step, code, reads, statements)
            return
        (value,) = step.outputs
        chain = list(folded.values())
        heavy = step.weight == "heavy" or any(each.heavy for each in chain)
        norm_first = chain[0].norm_first if len(chain) == 1 else step.weight == "norm"
        before = values[0].type if values else None
        pools = (
            step.weight == "light"
            and not merges
            and before is not None
            and before.rank == value.type.rank > 2
            and before.dims[1] == value.type.dims[1]
            and before.dims != value.type.dims
        )
        total = own + sum(each.applications for each in chain)
        closed = pools or (norm_first and heavy)
        type = None if isinstance(value, Pack) else value.type
        self._pending[value] = _Pending(code, reads, total, heavy, norm_first, closed, type)
        if value not in self._inner_values:
            self._open[value] = None
        if value in self._author or value in self._forced or self._total[value] != 1 or isinstance(value, Pack):
            self._assign(value, statements)

    def _code(self, code: Code, folded: dict[Value, _Pending], scope: Scope) -> ast.expr:
        def value(read: Value) -> ast.expr:
            return folded[read].code if read in folded else name(self._vars[read])

        return self._expressions.write(code, value, scope)

    def _touched(self, reads: Iterable[Value]) -> list[Value]:
        """What a step of a branch that is written elsewhere deals with: not the branches that wait beside it."""
        return [*dict.fromkeys([*self._open, *(value for value in reads if value in self._pending)])]

    def _take(self, value: Value) -> _Pending | None:
        self._open.pop(value, None)
        return self._pending.pop(value, None)

    def _unpack(self, step: Step, code: ast.expr, reads: Sequence[Value], statements: list[ast.stmt]) -> None:
        """`q, k, v = ...`, or `x, (h, c) = ...`."""
        dying = [variable for read in reads if (variable := self._read(read)) is not None]
        targets: list[ast.expr] = []
        for value in step.outputs:
            variable = self._variable(value, dying) if self._total[value] else "_"
            if self._total[value]:
                self._hold(value, variable)
            targets.append(target(variable))
        if isinstance(step.code, Nested):
            each = iter(targets)
            parts = [list(islice(each, size)) for size in step.code.sizes]
            targets = [part[0] if len(part) == 1 else ast.Tuple(part, ast.Store()) for part in parts]
        statements.append(ast.Assign([ast.Tuple(targets, ast.Store())], code))

    # -------------------------------------------------------------------------------------------------- loops

    def _loop(self, loop: Loop, statements: list[ast.stmt], scope: Scope) -> None:
        self._flush(statements)
        held = [value for value in dict.fromkeys(free(loop.steps)) if value in self._vars]
        carried: list[str] = []
        for parameter, given in zip(loop.parameters, loop.inputs, strict=True):
            variable = self._vars[given]
            last = self._read(given)
            copied = last is None or given in held or variable in carried or variable in self._taken
            if copied and not isinstance(given, Pack):
                copy = self._free(())
                statements.append(ast.Assign([target(copy)], name(variable)))
                variable = copy
            carried.append(variable)
            self._hold(parameter, variable)
        for value in held:
            self._left[value] += 1
        inner: list[ast.stmt] = []
        lists = self._lists(loop)
        mine = Scope(dict(scope.items), scope.counters)
        if lists is not None and not scope.counters:
            names = [self._loop_name(each, lists) for each in lists]
            mine.items.update(zip(lists, names, strict=True))
            walked: list[ast.expr] = [access(each) for each in lists]
            iterable = walked[0] if len(walked) == 1 else call(name("zip"), walked)
            over: ast.expr = target(names[0]) if len(names) == 1 else ast.Tuple([target(n) for n in names], ast.Store())
            made = names
        else:
            counter = next(each for each in COUNTERS if self._is_new(each))
            mine.counters = (*scope.counters, counter)
            iterable, over, made = range_(self._times(loop)), target(counter), [counter]
        self._taken.update(made)
        self._forced.update(zip(loop.results, carried, strict=True))
        self._depth += 1
        self._indent += 4
        self._items(loop.steps, inner, mine)
        self._flush(inner)
        self._depth -= 1
        self._indent -= 4
        self._settle(loop, carried, inner)
        self._taken.difference_update(made)
        for value in held:
            self._read(value)
        statements.append(ast.For(over, iterable, inner, []))
        for output, variable in zip(loop.outputs, carried, strict=True):
            self._holding[variable] = 0
            self._hold(output, variable)

    def _settle(self, loop: Loop, carried: Sequence[str], inner: list[ast.stmt]) -> None:
        """Put the results of an iteration where the next one looks for them."""
        moves = [(want, self._vars[value]) for want, value in zip(carried, loop.results, strict=True)]
        for value in loop.results:
            self._read(value)
        moves = [(want, have) for want, have in moves if want != have]
        if len(moves) == 1:
            inner.append(ast.Assign([target(moves[0][0])], name(moves[0][1])))
        elif moves:
            wants: list[ast.expr] = [target(want) for want, _ in moves]
            inner.append(ast.Assign([ast.Tuple(wants, ast.Store())], sequence([name(have) for _, have in moves])))
        if not inner:
            inner.append(ast.Pass())

    def _is_new(self, variable: str) -> bool:
        return variable not in self._taken and not self._holding[variable] and variable not in self.arguments

    def _loop_name(self, segment: str, lists: Sequence[str]) -> str:
        busy = self._taken | {variable for variable, count in self._holding.items() if count}
        chosen = identifier(segment, busy)
        return chosen if len(lists) == 1 or chosen not in POOL else f"{chosen}_"
