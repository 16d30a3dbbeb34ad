"""The body of `forward`: steps folded into lines a person would write, with names a person would give.

Folding. A value that is read once may be written inside the line that reads it. Along a chain a line holds at most
three applications and at most one heavy one (a convolution, a linear layer, a block), which begins the line, or
ends it when a normalisation came first. A pool ends its line. Where several chains meet (`add`, `concat`) they are
written inside when each is short.

Names. The author's names are kept where a value is bound by name, read more than once or read later; everything
else is the running value `x`, or `y`, `z`, ... while `x` is still needed."""

import ast
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from archdsl.backends.torch.constructor import access, numbered
from archdsl.backends.torch.layout import WIDTH, flat
from archdsl.backends.torch.lower import Body, Item, Loop, Step
from archdsl.backends.torch.names import identifier
from archdsl.backends.torch.records import (
    Apply,
    Bounds,
    Code,
    Infix,
    Input,
    Leaf,
    Length,
    Method,
    Place,
    Run,
    Series,
    State,
    Word,
    applications,
    mentioned,
)
from archdsl.backends.torch.records import Item as ItemCode
from archdsl.backends.torch.tree import (
    attribute,
    binary,
    call,
    dotted,
    literal,
    name,
    range_,
    self_,
    sequence,
    subscript,
    target,
)
from archdsl.ir.program import Value
from archdsl.types.tensor import TensorType, shape_text

LINE = 3
"""Applications that one line chains, at most."""

BRANCHES = 9
"""Applications in all the branches that meet on one line, at most."""

POOL = ("x", "y", "z", "u", "v", "w")


@dataclass(slots=True, eq=False, repr=False)
class _Pending:
    """A value that is not assigned yet: its code, and what the line would hold."""

    code: ast.expr
    reads: list[Value]
    applications: int
    heavy: bool
    norm_first: bool
    closed: bool
    type: TensorType


@dataclass(slots=True, eq=False, repr=False)
class _Scope:
    """Names of the loops being written: the item that a list yields in each iteration, or the counters."""

    items: dict[str, str] = field(default_factory=dict[str, str])
    counters: tuple[str, ...] = ()


def loop_lists(loop: Loop, lengths: Callable[[str], int], families: Container[str]) -> list[str] | None:
    """Names of the lists that a loop walks through from end to end, in order of use; None where it needs a
    counter."""
    lists: dict[str, None] = {}
    for item in loop.steps:
        if isinstance(item, Loop):
            return None
        for place in mentioned(item.code)[1]:
            if not place.strides or not any(place.strides):
                continue
            whole = place.index == 0 and place.strides == (1,) and lengths(place.name) == loop.times
            if not whole or place.name in families:
                return None
            lists[place.name] = None
    return list(lists) or None


class Forward:
    """Writes `forward` for one class. `leaf` gives the code of a literal, `times` the code of a loop's count,
    `lists` the lists that a loop walks through (None: it counts)."""

    def __init__(
        self,
        body: Body,
        leaf: Callable[[Leaf], ast.expr],
        times: Callable[[Loop], ast.expr],
        lists: Callable[[Loop], list[str] | None],
        *,
        comments: bool = False,
        output_names: Sequence[str] = (),
    ) -> None:
        self._body = body
        self._leaf = leaf
        self._times = times
        self._lists = lists
        self._comments = comments
        self.comments: dict[ast.stmt, str] = {}
        self._pending: dict[Value, _Pending] = {}
        self._vars: dict[Value, str] = {}
        self._holding: Counter[str] = Counter()
        self._forced: dict[Value, str] = {}
        self._left = _reads(body)
        self._total = Counter(self._left)
        self._shown: TensorType | None = None
        self._depth = 0
        self._taken: set[str] = set()
        self._author = self._author_names(output_names)
        self._inside = self._branches(body.items)
        self._inner_values = {value for step in self._inside for value in step.outputs}
        self.arguments = [self._argument(value) for value in body.inputs]

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
        steps = _step_reads(self._body)
        pending: list[list[Item]] = [self._body.items]
        while pending:
            items = pending.pop()
            for position, item in enumerate(items):
                if isinstance(item, Loop):
                    pending.append(item.steps)
                    continue
                last = position + 1 == len(items)
                for value in item.outputs:
                    label = item.place.name == chosen.get(value) and value not in outputs
                    if value not in chosen or steps[value] < (2 if label else 1) or (last and value not in outputs):
                        continue
                    found[value] = self._reserve(chosen[value])
        return found

    def _reserve(self, text: str) -> str:
        chosen = identifier(text, self._taken)
        self._taken.add(chosen)
        return chosen

    def _argument(self, value: Value) -> str:
        chosen = self._author.get(value) or self._free(())
        self._hold(value, chosen)
        return chosen

    def _free(self, dying: Sequence[str]) -> str:
        """A variable for an unnamed value: one that is not needed any more, if possible one that this line reads."""
        for each in dying:
            if each not in self._taken and self._holding[each] == 0:
                return each
        for each in POOL:
            if each not in self._taken and self._holding[each] == 0:
                return each
        number = 1
        while f"x{number}" in self._taken or self._holding[f"x{number}"]:
            number += 1
        return f"x{number}"

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

    def _branches(self, items: Sequence[Item]) -> set[Step]:
        """Steps that are written inside the step where their chain meets others."""
        inside: set[Step] = set()
        pending: list[Sequence[Item]] = [items]
        while pending:
            line = pending.pop()
            made: dict[Value, Step] = {}
            weight: dict[Step, list[Step]] = {}
            for item in line:
                if isinstance(item, Loop):
                    pending.append(item.steps)
                    made.clear()
                    continue
                values = mentioned(item.code)[0]
                chains = [self._branch(value, made, weight) for value in dict.fromkeys(values)]
                several = len(set(values)) > 1
                infix = isinstance(item.code, Infix)
                if several:
                    merged = [step for chain in _meeting(chains, infix) for step in chain]
                    inside.update(merged)
                    weight[item] = [*merged, item] if merged else [item] * (BRANCHES + 1)
                elif len(set(values)) == 1:
                    (chain,) = chains
                    weight[item] = [*chain, item]
                else:
                    weight[item] = [item]
                for value in item.outputs:
                    made[value] = item
        return inside

    def _branch(self, value: Value, made: dict[Value, Step], weight: dict[Step, list[Step]]) -> list[Step]:
        """The steps that make a value which is read once, back to where it forks or is named."""
        step = made.get(value)
        if step is None or self._total[value] != 1 or value in self._author or len(step.outputs) != 1:
            return []
        return weight[step]

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
            self._items(usual, statements, _Scope())
            self._return([value for value, _ in returns], statements)
            return statements
        self._items(usual, statements, _Scope())
        self._flush(statements)
        inner: list[ast.stmt] = []
        self._items(training, inner, _Scope())
        self._return([value for value, _ in returns], inner, keep=True)
        statements.append(ast.If(self_("training"), inner, []))
        self._return([value for value, train in returns if not train], statements, keep=True)
        return statements

    def _return(self, values: Sequence[Value], statements: list[ast.stmt], *, keep: bool = False) -> None:
        for value in list(self._pending):
            if value not in values or len(values) > 1:
                self._assign(value, statements)
        codes: list[ast.expr] = []
        for value in values:
            pending = self._pending.pop(value, None)
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

    def _comment(self, statement: ast.stmt, type: TensorType) -> None:
        """The shape after a statement, where it has changed and there is room. The text is our own: symbols are
        names."""
        if not self._comments or self._depth or type == self._shown:
            return
        assert isinstance(statement, ast.Assign | ast.Return)
        value = statement.value
        assert value is not None
        start = f"{flat(statement.targets[0])} = " if isinstance(statement, ast.Assign) else "return "
        text = shape_text(type.dims)
        if isinstance(value, ast.Name) or 8 + len(start) + len(flat(value)) + 4 + len(text) > WIDTH:
            return
        self._shown = type
        self.comments[statement] = text

    def _items(self, items: Sequence[Item], statements: list[ast.stmt], scope: _Scope) -> None:
        for item in items:
            if isinstance(item, Loop):
                self._loop(item, statements, scope)
            else:
                self._step(item, statements, scope)

    def _flush(self, statements: list[ast.stmt]) -> None:
        for value in list(self._pending):
            self._assign(value, statements)

    def _assign(self, value: Value, statements: list[ast.stmt]) -> None:
        pending = self._pending.pop(value)
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
        if 8 + len(variable) + 3 + len(flat(code)) <= WIDTH or not isinstance(code, ast.Call):
            return code
        method = code.func
        if isinstance(method, ast.Attribute) and isinstance(method.value, ast.Call):
            receiver = self._hoisted(method.value, variable, statements)
            statements.append(ast.Assign([target(variable)], receiver))
            return ast.Call(attribute(name(variable), method.attr), code.args, code.keywords)
        return code

    def _variable(self, value: Value, dying: Sequence[str]) -> str:
        forced = self._forced.get(value)
        if forced is not None and self._holding[forced] == 0:
            return forced
        return self._author.get(value) or self._free(dying)

    def _step(self, step: Step, statements: list[ast.stmt], scope: _Scope) -> None:
        values = mentioned(step.code)[0]
        counts = Counter(values)
        own = applications(step.code)
        merges = len(counts) > 1
        folded: dict[Value, _Pending] = {}
        for value in list(self._pending):
            pending = self._pending[value]
            if counts[value] == 1 and self._total[value] == 1 and value not in self._author:
                small = isinstance(step.code, Infix) and pending.applications == 1
                if merges and (value in self._inner_values or small):
                    folded[value] = pending
                    continue
                if not merges and (step in self._inside or self._extends(pending, step, own)):
                    folded[value] = pending
                    continue
            if step in self._inside and counts[value] == 0 and value in self._inner_values:
                continue
            self._assign(value, statements)
        code = self._code(step.code, folded, scope)
        if folded and not merges and 8 + len("x = ") + len(flat(code)) > WIDTH and step not in self._inside:
            for value in folded:
                self._assign(value, statements)
            folded = {}
            code = self._code(step.code, folded, scope)
        for value in folded:
            del self._pending[value]
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
        self._pending[value] = _Pending(code, reads, total, heavy, norm_first, closed, value.type)
        if value in self._author or value in self._forced or self._total[value] != 1:
            self._assign(value, statements)

    def _unpack(self, step: Step, code: ast.expr, reads: Sequence[Value], statements: list[ast.stmt]) -> None:
        """`q, k, v = ...`."""
        dying = [variable for read in reads if (variable := self._read(read)) is not None]
        targets: list[ast.expr] = []
        for value in step.outputs:
            variable = self._variable(value, dying) if self._total[value] else "_"
            if self._total[value]:
                self._hold(value, variable)
            targets.append(target(variable))
        statements.append(ast.Assign([ast.Tuple(targets, ast.Store())], code))

    # -------------------------------------------------------------------------------------------------- loops

    def _loop(self, loop: Loop, statements: list[ast.stmt], scope: _Scope) -> None:
        self._flush(statements)
        held = [value for value in _outer_reads(loop) if value in self._vars]
        carried: list[str] = []
        for parameter, given in zip(loop.parameters, loop.inputs, strict=True):
            variable = self._vars[given]
            last = self._read(given)
            if last is None or given in held or variable in carried or variable in self._taken:
                copy = self._free(())
                statements.append(ast.Assign([target(copy)], name(variable)))
                variable = copy
            carried.append(variable)
            self._hold(parameter, variable)
        for value in held:
            self._left[value] += 1
        inner: list[ast.stmt] = []
        lists = self._lists(loop)
        mine = _Scope(dict(scope.items), scope.counters)
        if lists is not None and not scope.counters:
            names = [self._loop_name(each, lists) for each in lists]
            mine.items.update(zip(lists, names, strict=True))
            walked: list[ast.expr] = [access(each) for each in lists]
            iterable = walked[0] if len(walked) == 1 else call(name("zip"), walked)
            over: ast.expr = target(names[0]) if len(names) == 1 else ast.Tuple([target(n) for n in names], ast.Store())
            made = names
        else:
            counter = next(each for each in ("i", "j", "k", "m", *(f"i{n}" for n in range(99))) if self._is_new(each))
            mine.counters = (*scope.counters, counter)
            iterable, over, made = range_(self._times(loop)), target(counter), [counter]
        self._taken.update(made)
        self._forced.update(zip(loop.results, carried, strict=True))
        self._depth += 1
        self._items(loop.steps, inner, mine)
        self._flush(inner)
        self._depth -= 1
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

    # --------------------------------------------------------------------------------------------- expressions

    def _code(self, code: Code, folded: dict[Value, _Pending], scope: _Scope) -> ast.expr:
        def write(part: Code) -> ast.expr:
            if isinstance(part, Input):
                return folded[part.value].code if part.value in folded else name(self._vars[part.value])
            if isinstance(part, Leaf):
                return self._leaf(part)
            if isinstance(part, Word):
                return dotted(part.dotted)
            if isinstance(part, Apply):
                return call(dotted(part.target), [write(arg) for arg in part.args], options(part.options))
            if isinstance(part, Method):
                receiver = write(part.receiver)
                return call(attribute(receiver, part.name), [write(arg) for arg in part.args], options(part.options))
            if isinstance(part, Infix):
                left = write(part.left)
                return binary(left, part.operator, write(part.right))
            if isinstance(part, Series):
                return sequence([write(item) for item in part.items], brackets=part.brackets)
            if isinstance(part, Length):
                return subscript(attribute(write(part.tensor), "shape"), literal(part.axis))
            if isinstance(part, Run):
                return call(self._at(part.place, scope), [write(arg) for arg in part.args])
            if isinstance(part, State):
                return self._state(part, scope)
            if isinstance(part, Bounds):
                lower, upper, step = (None if bound is None else write(bound) for bound in part.bounds)
                return ast.Slice(lower, upper, step)
            assert isinstance(part, ItemCode), type(part)
            receiver = write(part.receiver)
            indices = [write(each) for each in part.subscripts]
            return subscript(receiver, indices[0] if len(indices) == 1 else sequence(indices))

        def options(given: Sequence[tuple[str, Code]]) -> list[tuple[str, ast.expr]]:
            written: list[tuple[str, ast.expr]] = []
            for key, option in given:
                value = write(option)
                default = option.default if isinstance(option, Leaf) else None
                if (
                    isinstance(option, Leaf)
                    and isinstance(default, int | float | str | bool | None)
                    and ast.dump(value) == ast.dump(literal(default))
                ):
                    continue
                written.append((key, value))
            return written

        return write(code)

    def _at(self, place: Place, scope: _Scope) -> ast.expr:
        """`self.conv`, `self.conv[2]`, `self.conv[2 * i + 1]`, or the variable of the loop that walks through it."""
        if place.name in scope.items and any(place.strides):
            return name(scope.items[place.name])
        first = self._body.families.get(place.name)
        if place.index is None:
            return access(place.name)
        index: ast.expr | None = None
        for counter, stride in zip(scope.counters, place.strides, strict=False):
            if stride:
                term: ast.expr = name(counter) if stride == 1 else binary(literal(stride), "*", name(counter))
                index = term if index is None else binary(index, "+", term)
        offset = place.index + (first or 0)
        if index is None:
            return subscript(access(place.name), literal(offset)) if first is None else access(f"{place.name}{offset}")
        if first is None:
            return subscript(access(place.name), binary(index, "+", literal(offset)) if offset else index)
        return call(name("getattr"), [name("self"), numbered(place.name, index, offset)])

    def _state(self, state: State, scope: _Scope) -> ast.expr:
        code = self._at(state.place, scope)
        if state.entry:
            code = subscript(code, literal(state.attribute))
        elif state.attribute:
            code = attribute(code, *state.attribute.split("."))
        return call(attribute(code, "t")) if state.transposed else code


def _reads(body: Body) -> Counter[Value]:
    """How often each value is read."""
    reads: Counter[Value] = Counter(body.outputs)
    pending: list[Item] = list(body.items)
    while pending:
        item = pending.pop()
        if isinstance(item, Loop):
            reads.update((*item.inputs, *item.results))
            pending.extend(item.steps)
        else:
            reads.update(mentioned(item.code)[0])
    return reads


def _step_reads(body: Body) -> Counter[Value]:
    """How often steps read each value, results included, what loops carry apart."""
    reads: Counter[Value] = Counter(body.outputs)
    pending: list[Item] = list(body.items)
    while pending:
        item = pending.pop()
        if isinstance(item, Loop):
            pending.extend(item.steps)
        else:
            reads.update(mentioned(item.code)[0])
    return reads


def _outer_reads(loop: Loop) -> list[Value]:
    """Values of the surroundings that a loop's steps read, loop-carried ones apart."""
    made = set(loop.parameters)
    found: dict[Value, None] = {}
    pending: list[Item] = list(reversed(loop.steps))
    while pending:
        item = pending.pop()
        if isinstance(item, Loop):
            found.update(dict.fromkeys(item.inputs))
            made.update(item.parameters)
            pending.extend(reversed(item.steps))
        else:
            found.update(dict.fromkeys(mentioned(item.code)[0]))
        made.update(item.outputs)
    return [value for value in found if value not in made]


def _meeting(chains: Sequence[list[Step]], infix: bool) -> list[list[Step]]:
    """The chains that are written where they meet: all of them if they are short, else the short ones of an
    operation."""

    kept = [chain for chain in chains if _is_short(chain, infix, wide=sum(map(bool, chains)) > 2)]
    if infix:
        return kept if sum(map(len, kept)) <= LINE + 1 else []
    if len(kept) < len(chains):
        return []
    tiny = all(len(chain) <= LINE - 1 for chain in chains)
    return kept if tiny or sum(map(len, kept)) <= BRANCHES else []


def _is_short(chain: Sequence[Step], infix: bool, *, wide: bool) -> bool:
    """Whether a chain may be written where it meets others; a bit longer where many meet, each on its own line."""
    heavy = sum(step.weight == "heavy" for step in chain)
    if infix:
        return len(chain) <= LINE and heavy <= 1
    return len(chain) <= (LINE if wide else LINE - 1) and heavy <= (2 if wide else 1)
