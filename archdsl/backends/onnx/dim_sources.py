"""Symbolic dimensions at run time: where each one can be read off the shapes of the inputs.

A dimension is found exactly (`T` in `[N, T]`), or a symbol is solved for where an input's dimension is linear
in it (`2*H + 1` gives `H`). Everything else is computed from symbols and floors by `plan`, which says what to
compute in which order; the emitter turns each step into int64 nodes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from archdsl.types.dims import Atom, Dim, Expr, Floor, Monomial
from archdsl.types.tensor import TensorType

Step = (
    tuple[Literal["read"], int, int]
    | tuple[Literal["solve"], int, int, int, int]
    | tuple[Literal["floor"], Dim, int]
    | tuple[Literal["sum"], tuple[tuple[tuple[Dim, ...], int], ...]]
    | tuple[Literal["missing"], str]
)
"""How to get one dimension: read (input, axis); solve: (that - offset) / factor; floor of a dimension by a
divisor; a sum of products with coefficients; or a symbol that no input gives."""


class DimSources:
    """The dimensions that can be read off the shapes of some inputs. Built when first asked, since most networks never
    ask."""

    __slots__ = ("_places", "_types")

    def __init__(self, types: Sequence[TensorType]) -> None:
        self._types = types
        self._places: dict[Dim, Step] | None = None

    @property
    def places(self) -> dict[Dim, Step]:
        if self._places is None:
            self._places = {}
            for index, type in enumerate(self._types):
                for axis, dim in enumerate(type.dims):
                    if isinstance(dim, Expr):
                        self._places.setdefault(dim, ("read", index, axis))
            for index, type in enumerate(self._types):
                for axis, dim in enumerate(type.dims):
                    solved = _linear(dim)
                    if solved is not None:
                        name, factor, offset = solved
                        self._places.setdefault(name, ("solve", index, axis, offset, factor))
        return self._places

    def plan(self, dim: Dim, done: Mapping[Dim, object]) -> Iterator[tuple[Expr, Step]]:
        """Steps that compute `dim`, each after what it needs, those in `done` left out. The caller adds to
        `done` as it goes."""
        pending = [dim]
        while pending:
            current = pending[-1]
            if not isinstance(current, Expr) or current in done:
                pending.pop()
                continue
            step = self._step(current)
            needed = [part for part in _parts(step) if isinstance(part, Expr) and part not in done]
            if needed:
                pending.extend(needed)
            else:
                pending.pop()
                yield current, step

    def _step(self, dim: Expr) -> Step:
        place = self.places.get(dim)
        if place is not None:
            return place
        if len(dim.terms) == 1 and dim.terms[0][1] == 1 and len(dim.terms[0][0]) == 1:
            atom = dim.terms[0][0][0]
            return ("missing", atom) if isinstance(atom, str) else ("floor", atom.numerator, atom.divisor)
        return ("sum", tuple((tuple(map(_as_dim, atoms)), factor) for atoms, factor in dim.terms))


def _parts(step: Step) -> list[Dim]:
    if step[0] == "floor":
        return [step[1]]
    if step[0] == "sum":
        return [part for parts, _ in step[1] for part in parts]
    return []


def _as_dim(atom: Atom) -> Expr:
    return Expr((((atom,), 1),))


def _linear(dim: Dim) -> tuple[Dim, int, int] | None:
    """`(s, a, b)` for a dimension `a*s + b` of one atom."""
    if not isinstance(dim, Expr) or len(dim.terms) not in (1, 2):
        return None
    terms = list(dim.terms)
    (atoms, factor), rest = terms[0], terms[1:]
    if len(atoms) != 1 or isinstance(atoms[0], Floor) or (rest and rest[0][0] != _CONSTANT):
        return None
    return _as_dim(atoms[0]), factor, rest[0][1] if rest else 0


_CONSTANT: Monomial = ()
