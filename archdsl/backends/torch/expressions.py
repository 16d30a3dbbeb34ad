"""Records of operators as the code of a forward pass."""

import ast
from collections.abc import Callable, Mapping, Sequence

from archdsl.backends.torch.places import access, numbered
from archdsl.backends.torch.records import (
    Apply,
    Bounds,
    Code,
    Entries,
    Infix,
    Input,
    Item,
    Leaf,
    Length,
    Method,
    Nested,
    Place,
    Recomputed,
    Run,
    Series,
    Spread,
    State,
    Word,
)
from archdsl.backends.torch.tree import attribute, binary, call, dotted, literal, name, self_, sequence, subscript
from archdsl.internal import InternalError
from archdsl.ir.program import Value
from archdsl.records import field, record


@record
class Scope:
    """Names of the loops being written: the item that a list yields in each iteration, or the counters."""

    items: dict[str, str] = field(default_factory=dict[str, str])
    counters: tuple[str, ...] = ()


class Expressions:
    """Writes code trees. `families` are the numbered names of the class, `leaf` gives the code of a literal: None for
    an option that says no more than its default does."""

    def __init__(self, families: Mapping[str, int], leaf: Callable[[Leaf, bool], ast.expr | None]) -> None:
        self._families = families
        self._leaf = leaf

    def write(self, code: Code, value: Callable[[Value], ast.expr], scope: Scope) -> ast.expr:
        """The code of a record; `value` gives the code of its inputs. Literals are asked for in the order of
        `signature`."""

        def write(part: Code) -> ast.expr:
            if isinstance(part, Input):
                return value(part.value)
            if isinstance(part, Leaf):
                written = self._leaf(part, False)
                assert written is not None
                return written
            if isinstance(part, Word):
                return dotted(part.dotted)
            if isinstance(part, Apply):
                args = [write(arg) for arg in part.args]
                return call(dotted(part.target), args, options(part.options))
            if isinstance(part, Method):
                receiver = write(part.receiver)
                args = [write(arg) for arg in part.args]
                return call(attribute(receiver, part.name), args, options(part.options))
            if isinstance(part, Entries):
                return ast.Dict([literal(key) for key, _ in part.entries], [write(each) for _, each in part.entries])
            if isinstance(part, Infix):
                return binary(write(part.left), part.operator, write(part.right))
            if isinstance(part, Series) and len(part.items) == 1 and isinstance(part.items[0], Spread):
                return write(part.items[0].pack)
            if isinstance(part, Series):
                return sequence([write(item) for item in part.items], brackets=part.brackets)
            if isinstance(part, Spread):
                return ast.Starred(write(part.pack), ast.Load())
            if isinstance(part, Recomputed):
                needed = [name(each) for each, used in zip(scope.counters, part.counters, strict=False) if used]
                return call(name("recompute"), [self_(part.name), *needed, *map(write, part.args)])
            if isinstance(part, Length):
                return subscript(attribute(write(part.tensor), "shape"), literal(part.axis))
            if isinstance(part, Run):
                return call(self._at(part.place, scope), [write(arg) for arg in part.args])
            if isinstance(part, State):
                return self._state(part, scope)
            if isinstance(part, Nested):
                return write(part.code)
            if isinstance(part, Bounds):
                lower, upper, step = (None if bound is None else write(bound) for bound in part.bounds)
                return ast.Slice(lower, upper, step)
            if not isinstance(part, Item):
                raise InternalError(f"{type(part).__name__} is not handled")
            receiver = write(part.receiver)
            indices = [write(each) for each in part.subscripts]
            return subscript(receiver, indices[0] if len(indices) == 1 else sequence(indices))

        def options(given: Sequence[tuple[str, Code]]) -> list[tuple[str, ast.expr]]:
            written = [(key, self._leaf(each, True) if isinstance(each, Leaf) else write(each)) for key, each in given]
            return [(key, code) for key, code in written if code is not None]

        return write(code)

    def _at(self, place: Place, scope: Scope) -> ast.expr:
        """`self.conv`, `self.conv[2]`, `self.conv[2 * i + 1]`, or the variable of the loop that walks through it."""
        if place.name in scope.items and any(place.strides):
            return name(scope.items[place.name])
        first = self._families.get(place.name)
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

    def _state(self, state: State, scope: Scope) -> ast.expr:
        code = self._at(state.place, scope)
        if state.entry:
            code = subscript(code, literal(state.attribute))
        elif state.attribute:
            code = attribute(code, *state.attribute.split("."))
        return call(attribute(code, "t")) if state.transposed else code
