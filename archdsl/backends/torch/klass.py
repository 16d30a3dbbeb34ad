"""Classes of the generated file, and which function each of them runs."""

from collections.abc import Sequence
from typing import Final

from archdsl.backends.torch.parameters import Parameter
from archdsl.ir.program import Function
from archdsl.records import field, record


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

    def arguments(self, function: object) -> tuple[object, ...]:
        """The constructor's arguments that make this class run `function`."""
        assert isinstance(function, Function)
        row = self.rows[function]
        return tuple(parameter.values[row] for parameter in self.parameters)


Target = Klass | _Identity


@record
class Registry:
    """The class of every function that has been written so far."""

    targets: dict[Function, Target] = field(default_factory=dict[Function, Target])
    _first: dict[tuple[object, ...], Function] = field(default_factory=dict[tuple[object, ...], Function])

    def target(self, function: object) -> Target:
        assert isinstance(function, Function)
        return self.targets[function]

    def canonical(self, value: object) -> object:
        """One function for all those that the same class with the same arguments runs; other values as they are."""
        if not isinstance(value, Function):
            return value
        way = self.targets[value]
        if not isinstance(way, Klass):
            return self._first.setdefault((IDENTITY,), value)
        arguments = [(type(each), each) for each in map(self.canonical, way.arguments(value))]
        return self._first.setdefault((id(way), *arguments), value)


class NeedsSplit(Exception):
    """The specialisations at hand cannot share one class. `by` holds one value per specialisation: those with equal
    values may still share one."""

    def __init__(self, by: Sequence[int]) -> None:
        super().__init__()
        self.by = by
