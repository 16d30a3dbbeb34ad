"""From functions to classes: the specialisations of a block that differ in numbers only share one class.

Blocks are taken callees first. The functions of one block are sorted by what they have in common (`_key`: the
rolled steps and what is built, literals apart); each sort becomes a class, or several where no constructor can
choose between what its members build (`NeedsSplit`)."""

import ast
import re
from collections.abc import Container, Hashable, Iterator, Mapping, Sequence
from textwrap import wrap

from archdsl.backends.torch.constructor import Constructor
from archdsl.backends.torch.folding import loop_lists
from archdsl.backends.torch.forward import Forward
from archdsl.backends.torch.items import Body, Item, Loop, Region, Step, steps
from archdsl.backends.torch.klass import IDENTITY, Klass, NeedsSplit, Registry
from archdsl.backends.torch.layout import WIDTH
from archdsl.backends.torch.lists import Listing, listing
from archdsl.backends.torch.names import class_name, identifier, plain_text, unused
from archdsl.backends.torch.parameters import Column, Fixed, Parameter, Parameters
from archdsl.backends.torch.recompute import Outline
from archdsl.backends.torch.records import NO_DEFAULT, Built, Leaf, Run, signature
from archdsl.backends.torch.tidy import is_sequence
from archdsl.backends.torch.tree import Taken, assign, attribute, call, class_, literal, method, name, self_
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.internal import InternalError
from archdsl.ir.program import Call, Function, Program, Value, walk
from archdsl.ir.segments import MODULE_ATTRIBUTES, TRACED_ATTRIBUTES
from archdsl.records import field, record
from archdsl.types.derivations import Derivation, kind, localised

COMMENTED = 6
"""Steps from which on the forward pass of a block with one specialisation shows shapes, as the model's always
does."""


@record
class Written:
    """The classes of a program, callees first, and the comments that belong to their statements."""

    classes: list[ast.ClassDef] = field(default_factory=list[ast.ClassDef])
    comments: dict[ast.stmt, str] = field(default_factory=dict[ast.stmt, str])


@record
class Specialisation:
    """One rolled body with what its names stand for, and the literals of its steps in order."""

    body: Body
    listings: dict[str, Listing]
    leaves: list[Leaf]
    loops: list[Loop]
    key: Hashable

    @property
    def function(self) -> Function:
        return self.body.function


def specialise(body: Body) -> Specialisation:
    listings = {each: listing(each, entries, body.families.get(each)) for each, entries in body.entries.items()}
    for each in listings.values():
        _check_items(each, body.function)
    keys = _Keys(body, listings)
    rolled = tuple(keys.of(body.items))
    results = tuple(map(keys.numbers.__getitem__, body.outputs))
    key = (len(body.inputs), rolled, results, tuple(each.key for each in listings.values()))
    return Specialisation(body, listings, keys.leaves, keys.loops, key)


def _check_items(each: Listing, function: Function) -> None:
    """Refuse a list of weights and submodules: PyTorch has a container for each and none for both (E0704)."""
    if each.single or len(each.parameters) < 2:
        return
    raise ArchError(
        [
            Diagnostic(
                "E0704",
                f"`{each.name}` names weights and submodules in one list, which no PyTorch container holds",
                function.span,
                f"in `{function.block}`",
                help=f"label one kind differently, for example `as {each.name}_weight`",
            )
        ]
    )


class Classes:
    """Writes classes. `taken` are names that the file defines otherwise, `entry_name` is what the model's class
    shall be called, `owners` the blocks that bodies in braces are handed to, `free` the model's parameters that its
    class may take."""

    def __init__(
        self,
        program: Program,
        taken: Sequence[str],
        entry_name: str,
        owners: Mapping[Function, str],
        free: Container[str],
    ) -> None:
        self._program = program
        self._free = free
        self._owners = owners
        self._registry = Registry()
        self._taken = set(taken)
        self._entry_name = unused(entry_name, self._taken)
        self._taken.add(self._entry_name)
        self.written = Written()
        self.taken_by_model: list[str] = []
        """The parameters of the model that its class takes."""

    def identity(self, function: Function) -> None:
        """Note that a function returns its input."""
        self._registry.targets[function] = IDENTITY

    def block(self, specialisations: Sequence[Specialisation]) -> None:
        """Write the class or classes of one block; everything its functions call has been written."""
        sorts: dict[Hashable, list[Specialisation]] = {}
        for each in _with_optional_parts(specialisations):
            sorts.setdefault(each.key, []).append(each)
        pending = list(sorts.values())
        pending.reverse()
        while pending:
            members = pending.pop()
            members.sort(key=lambda each: any(part.absent for part in each.listings.values()))
            try:
                self._fitted(members, specialisations)
            except NeedsSplit as split:
                parts: dict[int, list[Specialisation]] = {}
                for each, by in zip(members, split.by, strict=True):
                    parts.setdefault(by, []).append(each)
                if len(parts) == 1:
                    raise InternalError("specialisations are split, but into one part") from split
                pending.extend(reversed([_complete(part) for part in parts.values()]))

    def _fitted(self, members: Sequence[Specialisation], block: Sequence[Specialisation]) -> None:
        """Write a class without the parameters that something in it does not follow."""
        fixed = {atom for each in members for atom in _decided(each.function)}
        while True:
            try:
                self._class(members, block, fixed)
                return
            except Fixed as found:
                if found.atoms <= fixed:
                    raise InternalError("a number that never changes is fixed twice") from found
                fixed |= found.atoms

    def _class(
        self, members: Sequence[Specialisation], block: Sequence[Specialisation], fixed: Container[Derivation]
    ) -> None:
        first = members[0]
        is_entry = first.function is self._program.entry
        parameters = Parameters(
            [each.function for each in members], self._taken, fixed=fixed, free=self._free if is_entry else None
        )
        constructor = Constructor(self._registry, parameters, first.listings)
        body: list[ast.stmt] = []
        chains = _chains(first.body.items)
        for each in first.listings:
            body += constructor.statements([member.listings[each] for member in members], chains)
        columns: dict[Leaf, Column] = {
            leaf: tuple(member.leaves[j].value for member in members) for j, leaf in enumerate(first.leaves)
        }
        times: dict[Loop, Column] = {
            loop: tuple(member.loops[j].times for member in members) for j, loop in enumerate(first.loops)
        }
        saved: dict[str, str] = {}
        taken = {*first.listings, *MODULE_ATTRIBUTES, *TRACED_ATTRIBUTES}
        outline = Outline(first.body, taken)
        kept = _Saved(saved, taken, parameters)
        lists = {loop: _walked(first, loop) for loop in first.loops}
        outputs = self._program.outputs if is_entry else []

        def literal_of(leaf: Leaf, optional: bool) -> ast.expr | None:
            code = constructor.calls.literal(columns[leaf], leaf, optional=optional)
            return None if code is None else kept.visit(code)

        def write(body: Body, comments: bool, names: Sequence[str] = ()) -> Forward:
            return Forward(
                body,
                literal_of,
                lambda loop: kept.visit(parameters.express(times[outline.original[loop]], "n")),
                lambda loop: lists[outline.original[loop]],
                parameters.size,
                comments=comments,
                output_names=names,
                reserved=self._taken,
            )

        methods: list[ast.stmt] = []
        for each in outline.methods:
            inside = write(each.body, comments=False)
            inner = inside.write_method(each.counters)
            counted = sum(each.counters)
            taken_in = [Taken(arg, "int" if k < counted else "Tensor") for k, arg in enumerate(inside.arguments)]
            methods.append(method(each.name, taken_in, inner, _results(len(each.body.outputs))))
        comments = is_entry or (len(members) == 1 and len(first.body.items) >= COMMENTED)
        forward = write(outline.body, comments, [output.name for output in outputs])
        returns = [(value, False) for value in first.body.outputs]
        if is_entry:
            returns = [(value, output.train) for value, output in zip(first.body.outputs, outputs, strict=True)]
        statements = forward.write(returns)
        if alone := parameters.only_channels:
            raise Fixed(alone)
        listed = parameters.listed
        if is_entry:
            self.taken_by_model = [each.atom.parts[0] for each in listed if each.atom is not None]
        chosen = self._entry_name if is_entry else self._name(members, block)
        klass = Klass(chosen, listed, {member.function: s for s, member in enumerate(members)}, constructor.calls.depth)
        self._registry.targets.update((member.function, klass) for member in members)
        remembered: list[ast.stmt] = [assign(self_(stored), name(each)) for each, stored in saved.items()]
        begin = call(attribute(call(name("super")), "__init__"))
        sequence = not is_entry and is_sequence(first.body)
        if sequence:
            begin.args, body = list(map(_stored, body)), []
        doc = self._describe([member.function for member in members])
        definitions: list[ast.stmt] = [ast.Expr(ast.Constant(doc))] if doc else []
        if sequence or body or remembered or listed:
            definitions.append(method("__init__", map(_taken, listed), [ast.Expr(begin), *remembered, *body], "None"))
        if not sequence:
            kept_back = sum(train for _, train in returns)
            results = " | ".join(dict.fromkeys((_results(len(returns) - kept_back), _results(len(returns)))))
            inputs = [Taken(each, "Tensor") for each in forward.arguments]
            definitions += [*methods, method("forward", inputs, statements, results)]
            self.written.comments.update(forward.comments)
        self.written.classes.append(class_(chosen, "nn.Sequential" if sequence else "nn.Module", definitions))

    def _name(self, members: Sequence[Specialisation], block: Sequence[Specialisation]) -> str:
        """The block's name in CamelCase; a second class of the block says which flag makes the difference, or is
        numbered."""
        function = members[0].function
        chosen = class_name(f"{self._owners.get(function, '')}_{function.block}")
        mine = set(members)
        others = [each.function for each in block if each not in mine]
        for argument, value in function.arguments.items() if chosen in self._taken else ():
            same = all(each.function.arguments.get(argument) is True for each in members)
            if value is True and same and all(each.arguments.get(argument) is False for each in others):
                chosen += class_name(argument)
                break
        chosen = unused(chosen, self._taken)
        self._taken.add(chosen)
        return chosen

    def _describe(self, functions: Sequence[Function]) -> str:
        """The block's doc comment, wrapped as a docstring of a class, without the sentences on what none of its
        functions has; "" where there is nothing to say."""
        first = functions[0]
        doc = plain_text(first.doc)
        if not doc and first in self._owners:
            doc = plain_text(f"The {first.block} of `{self._owners[first]}`.")
        off = [name for name in first.arguments if all(each.arguments.get(name) in (False, None) for each in functions)]
        if any(f"`{name}`" in doc for name in off):
            sentences = re.split(r"(?<=[.;])\s+", doc)
            doc = " ".join(each for each in sentences if not any(f"`{name}`" in each for name in off))
        doc = doc.rstrip("; ")
        if not doc:
            return ""
        if doc[-1] in '"\\' or doc[-1].isalnum():
            doc += "."
        if any(len(line) > WIDTH - 10 for line in doc.split("\n")):
            doc = "\n".join(wrap(" ".join(doc.split()), WIDTH - 10))
        return doc.replace("\n", "\n    ")


_TYPES: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "str", type(None): "None"}


def _taken(parameter: Parameter) -> Taken:
    """A parameter as an argument of `__init__`."""
    if parameter.module:
        return Taken(parameter.name, "nn.Module")
    given = parameter.default is not NO_DEFAULT
    kinds = {kind(value) for value in (*parameter.values, *((parameter.default,) if given else ()))}
    hint = " | ".join(text for each, text in _TYPES.items() if each in kinds)
    return Taken(parameter.name, hint, literal(parameter.default) if given else None)  # type: ignore[arg-type]


def _results(count: int) -> str:
    """The type of so many results."""
    if count < 2:
        return "Tensor"
    return f"tuple[{', '.join(['Tensor'] * count)}]" if count < 5 else "tuple[Tensor, ...]"


def _stored(statement: ast.stmt) -> ast.expr:
    """The submodule that `self.add_module("0", ...)` stores."""
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    return statement.value.args[1]


class _Saved(ast.NodeTransformer):
    """Turns constructor parameters that `forward` reads into attributes."""

    def __init__(self, saved: dict[str, str], busy: set[str], parameters: Parameters) -> None:
        self._saved = saved
        self._busy = busy
        self._parameters = parameters

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self._parameters.taken:
            return node  # `max`, `math`
        if node.id not in self._saved:
            stored = identifier(node.id, self._busy)
            self._busy.add(stored)
            self._saved[node.id] = stored
        return self_(self._saved[node.id])


def _chains(items: Sequence[Item]) -> set[str]:
    """Names of lists that are applied item after item."""
    codes = [step.code for step in steps(items)]
    return {code.place.name for code in codes if isinstance(code, Run) and code.chain}


def _walked(each: Specialisation, loop: Loop) -> list[str] | None:
    return loop_lists(loop, lambda segment: each.listings[segment].length, each.body.families)


class _Keys:
    """Keys of items, with values numbered in the order in which they appear; collects literals and loops on the
    way."""

    def __init__(self, body: Body, listings: dict[str, Listing]) -> None:
        self.numbers: dict[Value, int] = {value: position for position, value in enumerate(body.inputs)}
        self.leaves: list[Leaf] = []
        self.loops: list[Loop] = []
        self._body = body
        self._listings = listings

    def of(self, items: Sequence[Item]) -> Iterator[Hashable]:
        for item in items:
            yield self._item(item)
            for value in item.outputs:
                self.numbers[value] = len(self.numbers)

    def _item(self, item: Item) -> Hashable:
        number = self.numbers.__getitem__
        if isinstance(item, Step):
            leaves: list[Leaf | Built] = []
            key = signature(item.code, number, leaves)
            self.leaves.extend(leaf for leaf in leaves if isinstance(leaf, Leaf))
            return (key, len(item.outputs), item.train_only)
        region = isinstance(item, Region)
        if not region:
            self.loops.append(item)
        given = tuple(map(number, item.inputs))
        for value in item.parameters:
            self.numbers[value] = len(self.numbers)
        inner = tuple(self.of(item.steps))
        walked = None
        if not region:
            walked = loop_lists(item, lambda segment: self._listings[segment].length, self._body.families)
        return (
            item.name if region else "loop",
            region,
            given,
            inner,
            tuple(map(number, item.results)),
            tuple(walked or ()),
            item.train_only,
        )


def _with_optional_parts(specialisations: Sequence[Specialisation]) -> list[Specialisation]:
    """Let those that lack a step which others have (`if c != out { ... as downsample }`) share their class."""
    whole: dict[Hashable, Specialisation] = {}
    for each in sorted(specialisations, key=lambda each: -len(each.listings)):
        if each.key not in whole:
            others = dict.fromkeys(whole.values())
            whole[each.key] = next((other for other in others if _adopted(each, other) is not None), each)
    return [_adopted(each, whole[each.key]) or each for each in specialisations]


def _adopted(each: Specialisation, other: Specialisation) -> Specialisation | None:
    """`each` as a specialisation of the class of `other`, without some of its parts; None if more than that
    differs."""
    if other.key == each.key or not set(each.listings) < set(other.listings):
        return None
    mine = _Keys(each.body, each.listings)
    full = _Keys(other.body, other.listings)
    position = 0
    left: set[str] = set()
    for item in other.body.items:
        before = dict(full.numbers)
        (key,) = full.of([item])
        if position < len(each.body.items):
            numbers = dict(mine.numbers)
            here = each.body.items[position]
            try:
                (own,) = mine.of([here])
            except KeyError:
                return None
            if own == key:
                _same_numbers(item, here, mine, full)
                position += 1
                continue
            mine.numbers = numbers
        part = _optional_part(item, other)
        if part is None or part in each.listings:
            return None
        left.add(part)
        (source,) = item.code.values  # type: ignore[union-attr]
        full.numbers[item.outputs[0]] = before[source]
    results = [full.numbers[value] for value in other.body.outputs]
    if position < len(each.body.items) or [mine.numbers[value] for value in each.body.outputs] != results:
        return None
    if left != set(other.listings) - set(each.listings):
        return None
    if any(each.listings[part].key != other.listings[part].key for part in each.listings):
        return None
    listings = {
        part: each.listings[part] if part in each.listings else whole.without()
        for part, whole in other.listings.items()
    }
    return Specialisation(each.body, listings, each.leaves, each.loops, other.key)


def _same_numbers(item: Item, here: Item, mine: _Keys, full: _Keys) -> None:
    """Give what two equal items make the same numbers."""
    pairs = list(zip(item.outputs, here.outputs, strict=True))
    for value, own in pairs:
        mine.numbers[own] = full.numbers[value]


def _optional_part(item: Item, other: Specialisation) -> str | None:
    """The name of the part that a step applies to its only input, if a specialisation may go without it."""
    if not isinstance(item, Step) or not isinstance(item.code, Run) or len(item.outputs) != 1:
        return None
    code = item.code
    whole = other.listings.get(code.place.name)
    if whole is None or not whole.optional or len(code.args) != 1 or not (whole.single or code.chain):
        return None
    return code.place.name


def _complete(members: list[Specialisation]) -> list[Specialisation]:
    """Members that share a class after a split; where all of them lack a part, they are as they were."""
    if any(all(not part.absent for part in each.listings.values()) for each in members):
        return members
    return [specialise(each.body) for each in members]


def _decided(function: Function) -> set[Derivation]:
    """What decides which nodes a function has."""
    found: set[Derivation] = set()
    for condition in dict.fromkeys(node.condition for node, _ in walk(function.nodes)):
        local = None if condition is None else localised(condition, id(function.origin))
        found |= set() if local is None else local.atoms()
    return found


def callees(function: Function) -> set[Function]:
    """The functions that a function calls."""
    return {node.callee for node, _ in walk(function.nodes) if isinstance(node, Call)}
