"""Constructor parameters: what the numbers of a class are called.

A *column* holds one value per specialisation. Its numbers remember the formulas that made them (`types.derivations`),
over what the block knows by name: its parameters, the dimensions of its signature, the channels that flow in. A column
with one formula is written as that formula, once it has been worked out for every specialisation and gives the
column's values; one without becomes a literal where it is constant, else a parameter of its own, called what PyTorch
calls the argument. Nothing is fitted to the numbers."""

import ast
from collections.abc import Container, Sequence

from archdsl.backends.torch.derived import formula_code
from archdsl.backends.torch.layout import flat
from archdsl.backends.torch.names import identifier
from archdsl.backends.torch.records import NO_DEFAULT
from archdsl.backends.torch.tree import literal, name
from archdsl.ir.program import Function
from archdsl.records import field, record
from archdsl.types.derivations import (
    Derivation,
    Undecided,
    bare,
    constant,
    equal_formulas,
    formula_of,
    kind,
    localised,
    spelled,
    substituted,
    value_of,
)
from archdsl.types.dims import Dim


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
"""Stands in a column where a specialisation has no value (the branch that it does not take)."""

Column = tuple[object, ...]


@record
class Parameter:
    """One argument of a generated constructor. `default` is a literal that callers may leave out; `module` marks one
    that takes a submodule, whose values are submodules; `flag` one that callers give by name, because its value says
    little. `atom` is what the block knows it as, if it is the block's own."""

    name: str
    values: Column
    default: object = NO_DEFAULT
    module: bool = False
    flag: bool = False
    atom: Derivation | None = None


@record
class _Known:
    """A number that the block has a name for, or that was given one: its atom (or how it came to be), its values, the
    defaults that its uses have."""

    atom: Derivation | None
    values: Column
    made: tuple[object, ...] = ()
    declared: object = NO_DEFAULT
    defaults: list[object] = field(default_factory=list[object])
    used: bool = False


LONGEST = 11
"""Nodes of a formula that a reader still follows; where the author wrote a longer one, a number is passed on."""


SMALL = 5
"""Nodes of a formula that a comment shows."""

SHORT = 8
"""Characters of a fraction that is printed as it is."""


class Fixed(Exception):
    """Numbers that never change in this file and cannot be the class's parameters, because something that depends on
    them is printed as a number."""

    def __init__(self, atoms: "set[Derivation]") -> None:
        super().__init__()
        self.atoms = atoms


class Parameters:
    """The parameters of one class, found while its body is written. `reserved` are names that mean something else
    in the file, `fixed` what can be no parameter if it never changes. A model's class takes those of the model's
    parameters that are `free`, with the values that they have as defaults."""

    def __init__(
        self,
        functions: Sequence[Function],
        reserved: Container[str] = (),
        *,
        fixed: Container[Derivation] = (),
        free: Container[str] | None = None,
    ) -> None:
        self._reserved = reserved
        self._owners = [id(function.origin) for function in functions]
        self._named: dict[str, _Known] = {}
        self._fixed: dict[Derivation, Derivation] = {}
        self._modules: dict[str, Column] = {}
        for text, atom, values, declared in _candidates(functions):
            unchanging = all(_same(value, values[0]) for value in values)
            if free is not None:
                declared = values[0] if text in free else NO_DEFAULT
            says_nothing = _says_nothing(values[0], declared) if free is None else text not in free
            if unchanging and (atom in fixed or says_nothing):
                self._fixed[atom] = constant(values[0])
            else:
                chosen = identifier(identifier(text, reserved), self._named)
                self._named[chosen] = _Known(atom, values, declared=declared)
        self._atoms = {known.atom: text for text, known in self._named.items() if known.atom is not None}

    @property
    def listed(self) -> list[Parameter]:
        """The parameters that are used, those with a default last."""
        modules = [Parameter(each, column, module=True) for each, column in self._modules.items()]
        numbers = [
            Parameter(
                each,
                known.values,
                self._default(known),
                flag=any(v is None or isinstance(v, bool) for v in known.values),
                atom=known.atom,
            )
            for each, known in self._named.items()
            if known.used
        ]
        plain = [each for each in numbers if each.default is NO_DEFAULT]
        return plain + modules + [each for each in numbers if each.default is not NO_DEFAULT]

    @property
    def only_channels(self) -> "set[Derivation]":
        """The channels that flow in, where they are all that a class would take and never change: a block without
        parameters is built without arguments."""
        used = [known for known in self._named.values() if known.used]
        alone = all(
            known.atom is not None
            and known.atom.head == "axis"
            and all(_same(v, known.values[0]) for v in known.values)
            for known in used
        )
        return {known.atom for known in used if known.atom is not None} if alone and not self._modules else set()

    @property
    def taken(self) -> set[str]:
        """Names that are parameters, or may become some."""
        return {*self._named, *self._modules}

    def _default(self, known: _Known) -> object:
        """The default that the block declares, or that every use has, if some specialisation takes it."""
        if known.declared is not NO_DEFAULT:
            return known.declared
        first = known.defaults[0] if known.defaults else NO_DEFAULT
        same = all(type(each) is type(first) and each == first for each in known.defaults)
        return first if same and any(_same(first, value) for value in known.values) else NO_DEFAULT

    def express(self, column: Column, role: str, default: object = NO_DEFAULT) -> ast.expr:
        """Code for a column of literals."""
        formula = self._common(column)
        if formula is not None:
            code = formula_code(formula, self._atoms, self._environments())
            if code is not None:
                self._use(formula, default)
                return code
        first = next(value for value in column if value is not ABSENT)
        if all(value is ABSENT or _same(value, first) for value in column):
            self._stays(column)
            return self._spelled(column) or literal(bare(first))
        return name(self._own(column, role, default))

    def size(self, dim: Dim) -> str:
        """A dimension of the first specialisation, as a comment says it."""
        formula = self._common((dim,)) if isinstance(dim, int) else None
        if (
            formula is None
            or formula.size > SMALL
            or not all(self._named[self._atoms[atom]].used for atom in formula.atoms())
        ):
            return str(dim)
        code = formula_code(formula, self._atoms, self._environments())
        return str(dim) if code is None else flat(code)

    def module(self, column: Column, role: str) -> ast.expr:
        """A parameter that takes a submodule."""
        parameter = identifier(identifier(role, self._reserved), self.taken)
        self._modules[parameter] = column
        return name(parameter)

    def condition(self, chosen: Sequence[bool | None], formulas: Sequence[Derivation | None]) -> ast.expr | None:
        """The author's condition, if it is true where `chosen` is True and false where it is False; `formulas` are
        those that the specialisations know."""
        known = [self._local(formula, s) for s, formula in enumerate(formulas) if formula is not None]
        if not known or any(each is None or each != known[0] for each in known):
            return None
        formula = known[0]
        assert formula is not None
        for want, atoms in zip(chosen, self._environments(), strict=True):
            try:
                if want is not None and bool(value_of(formula, atoms)) != want:
                    return None
            except Undecided:
                return None
        code = formula_code(formula, self._atoms, self._environments())
        if code is not None:
            self._use(formula)
        return code

    # ------------------------------------------------------------------------------------------------ formulas

    def _environments(self) -> list[dict[Derivation, object]]:
        """What the atoms stand for in each specialisation."""
        fixed: dict[Derivation, object] = {atom: formula.parts[0] for atom, formula in self._fixed.items()}
        known = [(each.atom, each.values) for each in self._named.values() if each.atom is not None]
        return [{**fixed, **{atom: values[s] for atom, values in known}} for s in range(len(self._owners))]

    def _local(self, formula: Derivation, specialisation: int) -> Derivation | None:
        """A formula over this class's own atoms, with the numbers in it that never change."""
        found = localised(formula, self._owners[specialisation])
        return None if found is None else substituted(found, self._fixed)

    def _common(self, column: Column) -> Derivation | None:
        """The one formula that all specialisations have for a column, which gives its values; None for a constant, and
        where they have none in common."""
        found: Derivation | None = None
        for s, value in enumerate(column):
            if value is ABSENT:
                continue
            formula = formula_of(value)
            local = None if formula is None else self._local(formula, s)
            if local is None or local.is_constant or not local.atoms() <= self._atoms.keys():
                return None
            if found is not None and not equal_formulas(found, local):
                return None
            found = found or local
        if found is None or found.size > LONGEST:
            return None
        for value, atoms in zip(column, self._environments(), strict=True):
            try:
                if value is not ABSENT and not _same(value_of(found, atoms), value):
                    return None
            except Undecided:
                return None
        return found

    def _spelled(self, column: Column) -> ast.expr | None:
        """`0.02 / math.sqrt(2 * 12)`: how a long fraction came to be, where that is one formula of short numbers."""
        first = next(value for value in column if value is not ABSENT)
        if kind(first) is not float or len(repr(bare(first))) <= SHORT:
            return None
        formulas = {
            None if formula is None else localised(formula, self._owners[s])
            for s, formula in enumerate(formula_of(value) for value in column)
            if column[s] is not ABSENT
        }
        formula = formulas.pop() if len(formulas) == 1 else None
        if formula is None or formula.is_constant or not formula.atoms() <= self._fixed.keys():
            return None
        found = spelled(formula, self._fixed)
        return formula_code(found, {}, [{}]) if found.size <= LONGEST else None

    def _stays(self, column: Column) -> None:
        """Note that a number is printed as it is: what it depends on can be no parameter, if it never changes."""
        for s, value in enumerate(column):
            formula = None if value is ABSENT else formula_of(value)
            local = None if formula is None else self._local(formula, s)
            used = set[Derivation]() if local is None else local.atoms()
            for atom, text in self._atoms.items():  # in the order of the parameters, as the code depends on it
                values = self._named[text].values
                if atom in used and all(_same(each, values[0]) for each in values):
                    raise Fixed({atom})

    def _use(self, formula: Derivation, *defaults: object) -> None:
        for atom in formula.atoms():
            known = self._named[self._atoms[atom]]
            known.used = True
            if formula.is_atom:
                known.defaults.extend(defaults)

    def _own(self, column: Column, role: str, default: object) -> str:
        """The parameter of a column that has no formula: one that was made for the same numbers, or a new one."""
        made = (role, *(formula_of(value) if value is not ABSENT else ABSENT for value in column))
        for text, known in self._named.items():
            if known.made and (known.made == made or (known.made[1:] == made[1:] and _is_traced(column))):
                known.defaults.append(default)
                return text
        text = identifier(identifier(role or "value", self._reserved), self.taken)
        fallback = next(value for value in column if value is not ABSENT)
        values = tuple(fallback if value is ABSENT else value for value in column)
        self._named[text] = _Known(None, values, made, defaults=[default], used=True)
        return text


def _is_traced(column: Column) -> bool:
    return any(kind(value) is not type(value) for value in column)


def _says_nothing(value: object, declared: object) -> bool:
    """Whether a number that is the same everywhere is no parameter: a flag or a word chooses what is built, what was
    never given is what it is when left out."""
    return isinstance(value, bool) or not isinstance(value, int | float) or value == declared


def _candidates(functions: Sequence[Function]) -> list[tuple[str, Derivation, Column, object]]:
    """Numbers that the block knows by name, with what it calls them: the input's channels, then the static
    arguments."""
    first = functions[0]
    found: list[tuple[str, Derivation, Column, object]] = []
    if first.inputs and all(f.inputs and f.inputs[0].type.rank == first.inputs[0].type.rank for f in functions):
        rank = first.inputs[0].type.rank
        axes = [("in_channels", 1)] if rank > 2 else []
        axes += [("in_features", rank - 1)] if rank in (2, 3) else []
        for text, axis in axes:
            column = tuple(bare(f.inputs[0].type.dims[axis]) for f in functions)
            found.append((text, Derivation("axis", 0, axis, 0), column, NO_DEFAULT))
    signature: list[tuple[str, Derivation, Column, object]] = []
    declared_count = len(first.arguments) if first.declared is None else first.declared
    for position, argument in enumerate(first.arguments):
        column = tuple(bare(f.arguments.get(argument)) for f in functions)
        each = (argument, Derivation("name", argument, 0), column, first.defaults.get(argument, NO_DEFAULT))
        # A dimension that the signature names is what flows in, and stands in front.
        (signature if position >= declared_count else found).append(each)
    scalars = (int, float, bool, str, type(None))
    return [each for each in [*signature, *found] if all(isinstance(value, scalars) for value in each[2])]


def _same(left: object, right: object) -> bool:
    return kind(left) is kind(right) and left == right
