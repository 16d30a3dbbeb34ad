"""Classes of the generated file, and which function each of them runs."""

from collections.abc import Sequence
from typing import Final

from archdsl.backends.torch.parameters import Parameter
from archdsl.backends.torch.records import Submodule
from archdsl.ir.program import Function
from archdsl.records import field, record
from archdsl.types.derivations import Derivation, bare, formula_of, kind, substituted, traced


class _Identity:
    def __repr__(self) -> str:
        return "IDENTITY"


IDENTITY: Final = _Identity()
"""Stands for `nn.Identity`: what a function that returns its input becomes where another specialisation does
something."""


@record
class Klass:
    """One generated class. `rows` tells, per function that it runs, which specialisation it is; `depth` how deep its
    constructor hands submodules to submodules."""

    name: str
    parameters: list[Parameter]
    rows: dict[Function, int]
    depth: int

    def arguments(self, submodule: object) -> tuple[object, ...]:
        """The constructor's arguments that make this class run a submodule's function, with the caller's formulas."""
        assert isinstance(submodule, Submodule)
        row = self.rows[submodule.function]
        found: list[object] = []
        for each in self.parameters:
            value = each.values[row]
            formula = _outside(value, submodule) if each.atom is None else submodule.given.get(each.atom)
            found.append(bare(value) if formula is None else traced(value, formula, bools=True))
        return tuple(found)


def _outside(value: object, submodule: Submodule) -> Derivation | None:
    """The caller's formula of a number that a class has no name for: what it is made of by name was given, or belongs
    to a block further out, whose body in braces this is."""
    formula = formula_of(value)
    if formula is None:
        return None
    owner = id(submodule.function.origin)
    mine = {atom: Derivation(atom.head, *atom.parts[:-1], 0) for atom in formula.atoms() if atom.parts[-1] == owner}
    return substituted(formula, {atom: submodule.given.get(local) for atom, local in mine.items()})


Target = Klass | _Identity


@record
class Registry:
    """The class of every function that has been written so far."""

    targets: dict[Function, Target] = field(default_factory=dict[Function, Target])
    _first: dict[tuple[object, ...], Function] = field(default_factory=dict[tuple[object, ...], Function])

    def target(self, submodule: object) -> Target:
        assert isinstance(submodule, Submodule)
        return self.targets[submodule.function]

    def canonical(self, value: object) -> object:
        """One function for all those that the same class with the same arguments runs; other values as they are."""
        if not isinstance(value, Submodule):
            return value
        way = self.targets[value.function]
        key: tuple[object, ...] = (IDENTITY,)
        if isinstance(way, Klass):
            key = (id(way), *((kind(each), each) for each in map(self.canonical, way.arguments(value))))
        return Submodule(self._first.setdefault(key, value.function), value.given)


class NeedsSplit(Exception):
    """The specialisations at hand cannot share one class. `by` holds one value per specialisation: those with equal
    values may still share one."""

    def __init__(self, by: Sequence[int]) -> None:
        super().__init__()
        self.by = by
