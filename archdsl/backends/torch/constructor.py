"""The body of `__init__`: one statement per segment name, lists as comprehensions where their items are alike.

A list becomes, whichever comes first: `[X(a, b) for _ in range(n)]` when its items are equal, `[X(a + b * i) for i
in range(n)]` when their numbers grow evenly, `[X(p) for p in (0.1, 0.2, ...)]` when one number differs, and else
its items one by one with runs of equal ones put together."""

import ast
from collections.abc import Iterable, Sequence
from itertools import pairwise

from archdsl.backends.torch.calls import Calls
from archdsl.backends.torch.emitter import initial_statement
from archdsl.backends.torch.klass import IDENTITY, Klass, NeedsSplit, Registry, Target
from archdsl.backends.torch.lists import Cycle, Element, Listing, Row
from archdsl.backends.torch.names import identifier
from archdsl.backends.torch.parameters import Column, Parameters
from archdsl.backends.torch.places import access, item_of, numbered, store
from archdsl.backends.torch.records import (
    Built,
    Code,
    Leaf,
    Place,
    State,
)
from archdsl.backends.torch.tree import (
    attribute,
    binary,
    call,
    comprehension,
    dotted,
    literal,
    name,
    range_,
    self_,
    sequence,
    subscript,
    target,
)
from archdsl.records import replace
from archdsl.types.derivations import kind

PROGRESSION = 3
"""Items from which on numbers that grow evenly are written as a formula; two numbers always do."""

OPENED = 4
"""Items of a cycle up to which it is written out."""

LISTED = 64
"""Numbers of which many are equal are written one by one up to this many."""

EXPANDED = 4096
"""Lists longer than this are not searched for a formula."""


class Constructor:
    """Writes the constructor of one class; `parameters` grows as numbers are expressed."""

    def __init__(self, registry: Registry, parameters: Parameters, reserved: Iterable[str]) -> None:
        self._registry = registry
        self._parameters = parameters
        self._reserved = set(reserved)
        self.calls = Calls(registry, parameters)

    def statements(self, listings: Sequence[Listing], chains: set[str]) -> list[ast.stmt]:
        """Statements that build what one name stands for; `listings` holds one listing per specialisation. `chains`
        are the names of lists that are applied item after item."""
        listings = [self._canonical(each) for each in listings]
        first = listings[0]
        if first.single:
            rows = [_only_row(each) for each in listings]
            self.calls.injectable = not any(each.absent for each in listings)
            built = self.calls.row(rows, first.name)
            self.calls.injectable = False
            return [store(first.name, self._optional(built, listings)), *self._starts(rows, access(first.name))]
        if first.family is not None:
            return self._family(listings)
        parameters = first.parameters == {True}
        chain = first.name in chains
        container = "nn.ParameterList" if parameters else "nn.Sequential" if chain else "nn.ModuleList"
        items = self._items(listings, chain=chain)
        if chain:
            given = items.elts if isinstance(items, ast.List) else [ast.Starred(items, ast.Load())]
        else:
            given = [items]
        built = self._optional(call(dotted(container), given), listings)
        return [store(first.name, built), *self._list_starts(listings)]

    def _canonical(self, each: Listing) -> Listing:
        """Functions replaced by one that the same constructor call runs, so that equal items are seen to be equal."""

        def canonical(elements: Sequence[Element]) -> list[Element]:
            return [
                replace(e, values=tuple(map(self._registry.canonical, e.values)))
                if isinstance(e, Row)
                else Cycle(canonical(e.elements), e.times)
                for e in elements
            ]

        return Listing(each.name, each.single, canonical(each.elements), each.family, each.absent, each.condition)

    def _optional(self, built: ast.expr, listings: Sequence[Listing]) -> ast.expr:
        """A part that some specialisations go without: `part if condition else nn.Identity()`."""
        if not any(each.absent for each in listings):
            return built
        chosen = [not each.absent for each in listings]
        test = self._parameters.condition(chosen, [each.condition for each in listings])
        if test is None:
            raise NeedsSplit([int(each.absent) for each in listings])
        return ast.IfExp(test, built, call(dotted("nn.Identity")))

    def _family(self, listings: Sequence[Listing]) -> list[ast.stmt]:
        """`self.add_module(f"layer{i + 1}", ...)` in a loop, or attributes one by one."""
        first = listings[0]
        start = first.family or 0
        items = self._items(listings, chain=False) if first.uniform else None
        if isinstance(items, ast.ListComp):
            (clause,) = items.generators
            variable = clause.target
            assert isinstance(variable, ast.Name)
            counter = self._loop_variable() if variable.id == "_" else variable.id
            key = numbered(first.name, name(counter), start)
            body = ast.Expr(call(self_("add_module"), [key, items.elt]))
            loop: list[ast.stmt] = [ast.For(target(counter), clause.iter, [body], [])]
            return loop + self._list_starts(listings)
        if len({each.length for each in listings}) > 1:
            raise NeedsSplit([each.length for each in listings])
        statements: list[ast.stmt] = []
        expanded = [_expanded(each.elements) for each in listings]
        for k, rows in enumerate(zip(*expanded, strict=True)):
            built = self.calls.row(rows, f"{first.name}{start + k}")
            statements.append(store(f"{first.name}{start + k}", built))
            statements += self._starts(rows, access(f"{first.name}{start + k}"))
        return statements

    # -------------------------------------------------------------------------------------------------- lists

    def _items(self, listings: Sequence[Listing], *, chain: bool) -> ast.expr:
        if not listings[0].uniform:
            return self._explicit([each.elements for each in listings], chain=chain)
        runs = [each.runs for each in listings]
        if all(len(each) == 1 for each in runs):
            counts: Column = tuple(each[0].count for each in runs)
            built = self.calls.row([each[0] for each in runs], listings[0].name)
            if counts == (2,) * len(counts) and not chain:
                return sequence([built, built], brackets=True)
            return comprehension(built, target("_"), range_(self._parameters.express(counts, "n")))
        grown = self._progression(listings, runs)
        if grown is not None:
            return grown
        if len(runs) == 1:
            rows = runs[0]
            return self._values(rows) if _varied(rows) else self._explicit([list(rows)], chain=chain)
        patterns = {tuple(row.count for row in each) for each in runs}
        lengths = {each.length for each in listings}
        if len(patterns) > 1 and len(lengths) == 1 and max(lengths) <= EXPANDED:
            return self._explicit([list(_expanded(each.elements)) for each in listings], chain=chain)
        if len({len(each) for each in runs}) > 1:
            raise NeedsSplit([len(each) for each in runs])
        return self._explicit([list(each) for each in runs], chain=chain)

    def _progression(self, listings: Sequence[Listing], runs: Sequence[Sequence[Row]]) -> ast.expr | None:
        """`[X(a + b * i) for i in range(n)]`, or None where the numbers do not grow evenly in every
        specialisation."""
        lengths = [each.length for each in listings]
        if max(lengths) < PROGRESSION or max(lengths) > EXPANDED:
            return None
        template = runs[0][0]
        built = isinstance(template.code, Built)
        classes = {self._registry.target(row.values[0]) for each in runs for row in each} if built else set[Target]()
        if built and (len(classes) != 1 or IDENTITY in classes):
            return None
        klass = next(iter(classes), None)
        tables = [[self._numbers(row, klass) for row in each for _ in range(row.count)] for each in runs]
        fits: list[tuple[list[int], list[int]] | None] = []
        for slot in range(len(tables[0][0])):
            columns = [[items[slot] for items in table] for table in tables]
            fit = _even(columns)
            if fit is None and any(any(v != c[0] or kind(v) is not kind(c[0]) for v in c) for c in columns):
                return None
            fits.append(fit)
        variable = self._loop_variable()
        used = False
        arguments: list[tuple[Column, ast.expr | None]] = []
        for slot, fit in enumerate(fits):
            starts: Column = tuple(table[0][slot] for table in tables)
            if fit is None or not any(fit[1]):
                arguments.append((starts, None))
                continue
            used = True
            arguments.append((starts, self._grown(fit, variable)))
        if not used:
            return None
        count = self._parameters.express(tuple(lengths), "n")
        item = (
            self.calls.of_class(klass, arguments)
            if isinstance(klass, Klass)
            else self.calls.filled(template.code, iter(arguments))
        )
        return comprehension(item, target(variable), range_(count))

    def _grown(self, fit: tuple[list[int], list[int]], variable: str) -> ast.expr:
        """`first + step * i`."""
        first, step = fit
        growth = self._parameters.express(tuple(step), "step")
        moving: ast.expr = name(variable)
        if not (isinstance(growth, ast.Constant) and growth.value == 1):
            moving = binary(growth, "*", moving)
        if not any(first):
            return moving
        return binary(self._parameters.express(tuple(first), "start"), "+", moving)

    def _numbers(self, row: Row, klass: "Target | None") -> tuple[object, ...]:
        if isinstance(klass, Klass):
            return klass.arguments(row.values[0])
        return row.values

    def _values(self, runs: Sequence[Row]) -> ast.expr:
        """`[X(3, p) for p in (0.1, 0.2, 0.3)]`."""
        template = runs[0]
        slot = next(j for j, value in enumerate(template.values) if any(row.values[j] != value for row in runs))
        leaf = template.leaves[slot]
        assert isinstance(leaf, Leaf)
        variable = identifier(leaf.role or "value", self._parameters.taken | self._reserved)
        arguments: list[tuple[Column, ast.expr | None]] = [
            ((value,), name(variable) if j == slot else None) for j, value in enumerate(template.values)
        ]
        values = sequence([literal(row.values[slot]) for row in runs for _ in range(row.count)])  # type: ignore[arg-type]
        return comprehension(self.calls.filled(template.code, iter(arguments)), target(variable), values)

    def _explicit(self, lists: Sequence[Sequence[Element]], *, chain: bool = False) -> ast.expr:
        """Items one by one; equal neighbours (from three on, from two on in a chain of blocks) and cycles as
        comprehensions."""
        if len(lists) == 1:
            lists = [_merged(_opened(lists[0]), chain=chain)]
        items: list[ast.expr] = []
        for elements in zip(*lists, strict=True):
            built, repeated = self._element(elements)
            items.append(ast.Starred(built, ast.Load()) if repeated else built)
        if len(items) == 1 and isinstance(items[0], ast.Starred):
            return items[0].value
        return sequence(items, brackets=True)

    def _element(self, elements: Sequence[Element]) -> tuple[ast.expr, bool]:
        """Code for one element of a list and whether it makes a list itself."""
        first = elements[0]
        if isinstance(first, Row):
            rows = [each for each in elements if isinstance(each, Row)]
            built = self.calls.row(rows, "")
            counts: Column = tuple(row.count for row in rows)
            if counts == (1,) * len(counts):
                return built, False
            return comprehension(built, target("_"), range_(self._parameters.express(counts, "n"))), True
        cycles = [each for each in elements if isinstance(each, Cycle)]
        inner = self._explicit([each.elements for each in cycles])
        times = range_(self._parameters.express(tuple(each.times for each in cycles), "n"))
        variable = identifier("layer", self._parameters.taken | self._reserved)
        body = comprehension(name(variable), target("_"), times)
        body.generators.append(ast.comprehension(target(variable), _as_tuple(inner), [], 0))
        return body, True

    def _loop_variable(self, depth: int = 0) -> str:
        """A counter; another one for each of the loops around that are counted as well."""
        taken = self._parameters.taken | self._reserved
        names = ("i", "j", "k", "m", "step", "index", *(f"i{n}" for n in range(1, 99)))
        return [each for each in names if each not in taken][depth]

    # ------------------------------------------------------------------------------------------------- starts

    def _starts(self, rows: Sequence[Row], place: ast.expr) -> list[ast.stmt]:
        """`nn.init.constant_(self.t.bias, -2.0)`."""
        statements: list[ast.stmt] = []
        for j, (weight, _) in enumerate(rows[0].starts):
            codes = [initial_statement(State(Place("")), row.starts[j][1]) for row in rows]
            target = attribute(place, *weight.split("."))
            positional = self._columns([code.args for code in codes])
            named = self._columns([[value for _, value in code.options] for code in codes])
            options = [(key, value) for (key, _), value in zip(codes[0].options, named, strict=True)]
            statements.append(ast.Expr(call(dotted(codes[0].target), [target, *positional], options)))
        return statements

    def _columns(self, rows: Sequence[Sequence[Code]]) -> list[ast.expr]:
        """The literals of one call over all specialisations."""
        leaves = [[part for part in row if isinstance(part, Leaf)] for row in rows]
        return [
            self._parameters.express(tuple(leaf.value for leaf in column), column[0].role)
            for column in zip(*leaves, strict=True)
        ]

    def _list_starts(self, listings: Sequence[Listing]) -> list[ast.stmt]:
        first = listings[0]
        if first.uniform:
            rows = [each.runs[0] for each in listings]
            same = all(row.starts == rows[s].starts for s, each in enumerate(listings) for row in each.runs)
            if not rows[0].starts:
                return []
            if same:
                if first.family is not None:
                    counter = self._loop_variable()
                    key = numbered(first.name, name(counter), first.family)
                    body = self._starts(rows, call(name("getattr"), [name("self"), key]))
                    count = self._parameters.express(tuple(each.length for each in listings), "n")
                    return [ast.For(target(counter), range_(count), body, [])]
                variable = identifier(first.name, self._parameters.taken)
                body = self._starts(rows, name(variable))
                return [ast.For(target(variable), access(first.name), body, [])]
        return self._element_starts(first, [each.elements for each in listings], None, 0, 0)

    def _element_starts(
        self, listed: Listing, lists: Sequence[Sequence[Element]], base: ast.expr | None, at: int, depth: int
    ) -> list[ast.stmt]:
        """Statements for the elements of a list from the index `base + at` on; `depth` loops are open. As deep as loops
        nest."""
        statements: list[ast.stmt] = []
        for elements in zip(*lists, strict=True):
            first = elements[0]
            length = Listing("", False, [first]).length
            cycles = [each for each in elements if isinstance(each, Cycle)]
            rows = [each for each in elements if isinstance(each, Row)]
            if cycles:
                variable = self._loop_variable(depth)
                period = sum(Listing("", False, [each]).length for each in cycles[0].elements)
                moving = binary(literal(period), "*", name(variable))
                moving = moving if base is None else binary(base, "+", moving)
                inner = self._element_starts(listed, [each.elements for each in cycles], moving, at, depth + 1)
                times = range_(self._parameters.express(tuple(each.times for each in cycles), "n")) if inner else None
                statements += [ast.For(target(variable), times, inner, [])] if times else []
            elif rows[0].starts:
                for index in range(at, at + length):
                    place = item_of(listed, index)
                    if base is not None:
                        place = subscript(access(listed.name), binary(base, "+", literal(index)) if index else base)
                    statements += self._starts(rows, place)
            at += length
        return statements


def _only_row(each: Listing) -> Row:
    (row,) = each.elements
    assert isinstance(row, Row)
    return row


def _even(columns: Sequence[Sequence[object]]) -> tuple[list[int], list[int]] | None:
    """First values and steps of columns of ints that all grow evenly."""
    first: list[int] = []
    steps: list[int] = []
    for column in columns:
        numbers = [value for value in column if isinstance(value, int) and kind(value) is int]
        if len(numbers) != len(column):
            return None
        step = numbers[1] - numbers[0] if len(numbers) > 1 else 0
        if any(b - a != step for a, b in pairwise(numbers)):
            return None
        first.append(numbers[0])
        steps.append(step)
    return first, steps


def _varied(runs: Sequence[Row]) -> bool:
    """Whether a list of four or more plain submodules differs in one number only, and the numbers are not too many to
    be written one by one."""
    length = sum(row.count for row in runs)
    if length < 4 or length > max(LISTED, OPENED * len(runs)) or isinstance(runs[0].code, Built):
        return False
    columns = list(zip(*(row.values for row in runs), strict=True))
    return sum(any(value != column[0] for value in column) for column in columns) == 1


def _merged(elements: Sequence[Element], *, chain: bool) -> list[Element]:
    """Neighbouring equal rows put together where there are enough of them, and written apart where not."""
    merged: list[Element] = []
    for element in _runs(elements):
        if not isinstance(element, Row):
            merged.append(element)
            continue
        least = 2 if chain and isinstance(element.code, Built) else 3
        merged.extend([element] if element.count >= least else [element.times(1)] * element.count)
    return merged


def _opened(elements: Sequence[Element]) -> list[Element]:
    """Elements with short cycles written out: four items are read faster than a comprehension."""
    found: list[Element] = []
    for each in elements:
        short = isinstance(each, Cycle) and Listing("", False, [each]).length <= OPENED
        found += each.elements * each.times if isinstance(each, Cycle) and short else [each]
    return found


def _runs(elements: Sequence[Element]) -> list[Element]:
    """Elements with equal neighbouring rows put together."""
    found: list[Element] = []
    for element in elements:
        last = found[-1] if found else None
        if isinstance(element, Row) and isinstance(last, Row) and last.key == element.key:
            pair = Listing("", False, [last, element]).runs
            if len(pair) == 1:
                found[-1] = pair[0]
                continue
        found.append(element)
    return found


def _expanded(elements: Sequence[Element]) -> list[Row]:
    """Rows of one item each."""
    return [row.times(1) for row in elements if isinstance(row, Row) for _ in range(row.count)]


def _as_tuple(items: ast.expr) -> ast.expr:
    return sequence(items.elts) if isinstance(items, ast.List) else items
