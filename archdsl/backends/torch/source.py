"""PyTorch source of a program: standalone, one class per block, laid out as `ruff format` would.

The way of a program through this package: `lower` records every function's operators, `roll` folds chains and
loops, `classes` joins the specialisations of each block (`parameters` finds what their numbers are called),
`constructor` and `forward` write the two methods as syntax trees, and `layout` prints the trees and checks that
they read back the same.

State-dict keys are the program's parameter paths.
"""

import ast
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from textwrap import wrap

from archdsl.analysis.cost import cost
from archdsl.analysis.gradients import data_of
from archdsl.backends.torch.classes import Classes, Specialisation, callees, specialise
from archdsl.backends.torch.emitter import Emitter, Helpers
from archdsl.backends.torch.items import Body
from archdsl.backends.torch.layout import WIDTH, render
from archdsl.backends.torch.lower import lower
from archdsl.backends.torch.names import class_name, identifier, plain_text
from archdsl.backends.torch.packs import pack_inputs
from archdsl.backends.torch.recompute import helpers, regions
from archdsl.backends.torch.records import Input
from archdsl.backends.torch.roll import roll
from archdsl.backends.torch.tidy import tidy, untangle
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.ir.conditions import stated
from archdsl.ir.program import Call, Function, Op, Program, walk
from archdsl.limits import Limits

OTHERS = (2, 3)
"""Other values of a parameter are its own times these, a rate's divided by them: what must divide still does."""


def torch_source(program: Program, class_name: str | None = None, *, limits: Limits | None = None) -> str:
    """The source of a module whose class for the model is called `class_name` (by default the model's name in
    CamelCase). That class takes those parameters of the model for which the code is one.

    Importing torch is not needed to print it. Raises `ArchError` for names that PyTorch cannot hold (E0701), sizes
    that cannot be computed (E0702), loops that Python cannot nest (E0703) and more than `limits.written` allows
    (E0915)."""
    parts = _check_size(program, (limits or Limits()).written)
    return _chosen(program, model_class(program, class_name), parts).text(_header(program))


def model_class(program: Program, chosen: str | None = None) -> str:
    """The name of the model's class in `torch_source`."""
    return identifier(chosen) if chosen else class_name(program.entry.block)


def _header(program: Program) -> str:
    """What the file is: the model, its parameters, how many weights it has, and for which sizes it is."""
    entry = program.entry
    given = [f"{key}={_plain(value)}" for key, value in list(entry.arguments.items())[: entry.declared]]
    call = plain_text(f"`{entry.block}({', '.join(given)})`").replace("\n", " ")
    first = f"{entry.block}: {cost(program).params:,} parameters."
    sizes = stated(program)
    needed = ["", *wrap(sizes, WIDTH)] if sizes else []
    return "\n".join([first, "", *wrap(f"Written by archdsl from {call}.", WIDTH), *needed, ""])


# ----------------------------------------------------------------------------------------------- the model's parameters


WRITTEN_OFTEN = 20_000
"""Parts of a program whose code is written several times, to see which of the model's parameters it follows."""


def _chosen(program: Program, entry_name: str, parts: int) -> "_Source":
    """The source whose class for the model takes the parameters that its code names, as far as the same code comes out
    with two other values of each; that of a very large program takes none."""
    made = None if program.remembering is None else program.remembering({})
    if made is None:
        return _Source(program, entry_name)
    if parts > WRITTEN_OFTEN:
        return _Source(made, entry_name)
    entry = program.entry
    numbers = {key: entry.arguments[key] for key in list(entry.arguments)[: entry.declared]}
    free = [key for key, each in numbers.items() if isinstance(each, int | float) and not isinstance(each, bool)]
    source = _Source(made, entry_name, free)
    names = source.taken
    if len(names) > 1:
        # Most of those that are none build another network, which is seen before its code is written.
        names = [name for name in names if _outline(_with_others(program, [name], OTHERS[0])) == _outline(made)]
        source = _Source(made, entry_name, names) if len(names) < len(source.taken) else source
    if _is_one_code(program, source, names):
        return source
    sound = [
        name for name in names if len(names) > 1 and _is_one_code(program, _Source(made, entry_name, [name]), [name])
    ]
    source = _Source(made, entry_name, sound)
    return source if _is_one_code(program, source, sound) else _Source(made, entry_name)


def _with_others(program: Program, names: Sequence[str], by: int) -> Program | None:
    """The program with other values of these parameters."""
    changed: dict[str, object] = {}
    for name in names:
        value = program.entry.arguments[name]
        assert isinstance(value, int | float)
        changed[name] = value * by if isinstance(value, int) else value / by
    return None if program.remembering is None else program.remembering(changed)


def _outline(program: Program | None) -> list[tuple[str, int]]:
    """How much is in each of a program's functions."""
    return [] if program is None else [(function.block, len(function.nodes)) for function in program.functions]


def _is_one_code(program: Program, source: "_Source", names: Sequence[str]) -> bool:
    """Whether the code is the same for other values of these parameters."""
    for by in OTHERS if names else ():
        other = _with_others(program, names, by)
        try:
            if other is None or _Source(other, source.entry_name, names).key != source.key:
                return False
        except ArchError:
            return False
    return True


# ----------------------------------------------------------------------------------------------------------- the file


OPERATOR_PARTS = 10
"""What an operator or a call counts beside the tensors that it takes and gives."""


def written_parts(function: Function) -> int:
    """What a function's source is written from (see `Limits.written`)."""
    return sum(OPERATOR_PARTS + len(node.inputs) + len(node.outputs) for node, _ in walk(function.nodes))


def _check_size(program: Program, most: int) -> int:
    """What a program's source is written from. Raises `ArchError` (E0915) where that takes too long."""
    total = sum(map(written_parts, program.functions))
    if total <= most:
        return total
    largest = max(program.functions, key=written_parts)
    message = f"PyTorch source is written from {total:_} parts here, more than {most:_}"
    label = f"{written_parts(largest):_} of them are in this `{largest.block}`"
    help = f"a loop whose rounds are alike counts once; otherwise raise the limit: `--limit written={total}`"
    raise ArchError([Diagnostic("E0915", message, largest.span, label, help=help)])


class _Source:
    """The classes of a program, of which the model's may take the parameters `free`."""

    def __init__(self, program: Program, entry_name: str, free: Sequence[str] = ()) -> None:
        self.entry_name = entry_name
        self._helpers = Helpers()
        self._classes = self._written(program, free)

    @property
    def taken(self) -> list[str]:
        """The model's parameters that its class takes."""
        return self._classes.taken_by_model

    @property
    def key(self) -> list[str]:
        """What two sources have in common that are the same code, but for the values of the model's parameters."""
        return [_without_defaults(each, each.name == self.entry_name) for each in self._classes.written.classes]

    def _written(self, program: Program, free: Sequence[str]) -> Classes:
        identities = _identities(program)
        vanishing = _vanishing(program, identities)
        data = data_of(program)
        blocks: dict[Hashable, list[Body]] = {}
        recomputes = False
        for function in program.functions:
            if function in identities and function is not program.entry:
                continue
            outputs = [output.value for output in program.outputs] if function is program.entry else None
            body = lower(function, self._helpers, vanishing, outputs, data)
            regions(body)
            recomputes = recomputes or bool(body.marks)
            blocks.setdefault(_block(function), []).append(body)
        for helper in helpers(program) if recomputes else ():
            self._helpers.add(helper)
        packed = pack_inputs(list(blocks.values()))
        specialised: dict[Function, Specialisation] = {}
        for bodies in blocks.values():
            tidy(bodies)
            for body in bodies:
                roll(body, packed)
            untangle(bodies)
            for body in bodies:
                specialised[body.function] = specialise(body)
        classes = Classes(program, list(self._helpers.sources), self.entry_name, _owners(program), free)
        for function in identities:
            classes.identity(function)
        for batch in _batches([each for each in program.functions if each in specialised]):
            classes.block([specialised[function] for function in batch])
        return classes

    def text(self, header: str) -> str:
        """The file, under this header."""
        classes = self._classes
        helpers: dict[ast.stmt, str] = {}
        for source in self._helpers.sources.values():
            (node,) = ast.parse(source).body
            helpers[node] = source
        used = _names(classes.written.classes)
        # A module that does nothing (`drop_path` of probability 0) is tidied away after it has declared its helper.
        waiting = list(helpers)
        while found := [node for node in waiting if _defined(node) in used]:
            used |= _names(found)
            waiting = [node for node in waiting if node not in found]
        body: list[ast.stmt] = [*(node for node in helpers if node not in waiting), *classes.written.classes]
        tree = ast.Module([ast.Expr(ast.Constant(header)), *_imports(used), *body], [])
        return render(tree, classes.written.comments, helpers)


def _imports(used: set[str]) -> list[ast.stmt]:
    """The imports of a file that uses these names."""
    wanted = [ast.alias("Tensor")] if "Tensor" in used else []
    known: list[tuple[str, ast.stmt]] = [
        ("nullcontext", ast.ImportFrom("contextlib", [ast.alias("nullcontext")], 0)),
        ("math", ast.Import([ast.alias("math")])),
        ("torch", ast.Import([ast.alias("torch")])),
        ("F", ast.Import([ast.alias("torch.nn.functional", "F")])),
        ("nn", ast.ImportFrom("torch", [*wanted, ast.alias("nn")], 0)),
        ("checkpoint", ast.ImportFrom("torch.utils.checkpoint", [ast.alias("checkpoint")], 0)),
    ]
    return [statement for name, statement in known if name in used]


def _without_defaults(each: ast.ClassDef, is_model: bool) -> str:
    """A class as text; the defaults of a model's parameters are their values and say nothing of its code."""
    for statement in each.body if is_model else ():
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return ast.dump(each).replace(ast.dump(statement.args), "")
    return ast.dump(each)


def _names(nodes: Sequence[ast.AST]) -> set[str]:
    """Every name that code reads or binds."""
    return {node.id for each in nodes for node in ast.walk(each) if isinstance(node, ast.Name)}


def _defined(node: ast.stmt) -> str:
    """The name that a class or function defines."""
    assert isinstance(node, ast.ClassDef | ast.FunctionDef)
    return node.name


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return str(value)


def _identities(program: Program) -> set[Function]:
    """Functions that return their only input and hold no state."""
    found: set[Function] = set()
    for function in program.functions:
        if len(function.inputs) != 1 or len(function.outputs) != 1 or len(function.nodes) > 8:
            continue
        same = {function.inputs[0]}
        stateful = False
        for node in function.nodes:
            if isinstance(node, Call) and node.callee in found:
                same.update(node.outputs if node.inputs[0] in same else ())
            elif isinstance(node, Op) and len(node.inputs) == len(node.outputs) == 1 and node.inputs[0] in same:
                flowing = Input(node.inputs[0])
                emitter = Emitter(node, (flowing,), function.inputs, Helpers())
                code = node.op.torch(emitter, flowing)  # type: ignore[arg-type]
                stateful = stateful or emitter.made is not None
                if emitter.made is None and isinstance(code, Input):
                    same.update(node.outputs)
            else:
                # What nothing reads is no step of `forward`, but its weights are the function's all the same.
                stateful = stateful or not isinstance(node, Op) or bool(node.owned_weights)
        if function.outputs[0] in same and not stateful:
            found.add(function)
    return found


def _vanishing(program: Program, identities: set[Function]) -> set[Function]:
    """Identities of blocks that never do anything else: their calls leave no trace. Those of other blocks become
    `nn.Identity`, so that the callers can share a class."""
    busy = {function.block for function in program.functions if function not in identities}
    return {function for function in identities if function.block not in busy}


def _owners(program: Program) -> dict[Function, str]:
    """The block that a body in braces is handed to, by the body's functions."""
    owners: dict[Function, str] = {}
    for function in program.functions:
        for callee in callees(function):
            if callee.declared is None and not callee.arguments and function is not program.entry:
                owners.setdefault(callee, function.block)
    return owners


def _block(function: Function) -> Hashable:
    """What a function is a specialisation of. Bodies in braces count as one block where they have one name, so that
    bodies that do the same share a class."""
    return id(function.origin) if function.arguments or function.declared is not None else function.block


def _batches(functions: list[Function]) -> Iterator[list[Function]]:
    """Functions of one block at a time, callees first. A block that calls itself comes in several batches."""
    known = set(functions)
    waiting = {function: len(callees(function) & known) for function in functions}
    callers: dict[Function, list[Function]] = {function: [] for function in functions}
    for function in functions:
        for callee in callees(function) & known:
            callers[callee].append(function)
    left: Counter[Hashable] = Counter(_block(function) for function in functions)
    ready: dict[Hashable, list[Function]] = {}
    for function in functions:
        if not waiting[function]:
            ready.setdefault(_block(function), []).append(function)
    while ready:
        origin = next((each for each, members in ready.items() if len(members) == left[each]), next(iter(ready)))
        batch = ready.pop(origin)
        left[origin] -= len(batch)
        yield batch
        for function in batch:
            for caller in callers[function]:
                waiting[caller] -= 1
                if not waiting[caller]:
                    ready.setdefault(_block(caller), []).append(caller)
