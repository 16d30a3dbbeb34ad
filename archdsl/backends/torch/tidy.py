"""What a reader does not want to see is taken out, over all specialisations of a block at once.

*No-ops.* A dropout of rate 0 in every specialisation goes.
*Families.* `for i in 0..n { layer(k) as "layer{i+1}" }` names its calls `layer1`, `layer2`, ...: from `FAMILY` on,
these are one list under the hood, registered and called in a loop.
*Sequences.* A block whose parts are called `0`, `1`, ... one after the other is an `nn.Sequential`; its functional
steps become modules.
*Chains of labels.* Where one label numbers a whole chain (`as features` on convolutions, activations and pools
alike), the functional steps become modules, so that the list is an `nn.Sequential`."""

import re
from collections.abc import Mapping, Sequence

from archdsl.backends.torch.items import Body, Entry, Item, Loop, Region, Step, places, steps, substitute
from archdsl.backends.torch.names import is_attribute
from archdsl.backends.torch.records import Apply, Code, Input, Leaf, Method, Place, Run
from archdsl.internal import InternalError
from archdsl.ir.lowering import FUNCTION_MODULES
from archdsl.ir.program import Value
from archdsl.records import replace

FAMILY = 4
"""Members from which on numbered names are written as a loop, if there is a loop; with fewer, line by line reads
better."""


def tidy(bodies: Sequence[Body]) -> None:
    """Tidy the specialisations of one block, in place."""
    _drop_no_ops(bodies)
    for body in bodies:
        _label_chains(body)
        if is_sequence(body):
            _as_sequence(body)
    _families(bodies)


# ------------------------------------------------------------------------------------------------------------ no-ops


def _drop_no_ops(bodies: Sequence[Body]) -> None:
    busy = {
        (entry.place.name, entry.place.index)
        for body in bodies
        for entries in body.entries.values()
        for entry in entries
        if not _is_no_op(entry.code)
    }
    for body in bodies:
        gone = {
            (entry.place.name, entry.place.index)
            for entries in body.entries.values()
            for entry in entries
            if (entry.place.name, entry.place.index) not in busy
        }
        if not gone:
            continue
        for name in list(body.entries):
            body.entries[name] = [e for e in body.entries[name] if (e.place.name, e.place.index) not in gone]
            if not body.entries[name]:
                del body.entries[name]
        same: dict[Value, Value] = {}
        for step in steps(body.items):
            if _applies(step, gone):
                (argument,) = step.code.values
                same[step.outputs[0]] = same.get(argument, argument)
        body.items = _without(body.items, gone)
        substitute(body.items, lambda value, same=same: same.get(value, value))
        body.outputs = tuple(same.get(value, value) for value in body.outputs)


def _applies(item: Item, gone: set[tuple[str, int | None]]) -> bool:
    """Whether an item is the application of something in `gone`."""
    code = item.code if isinstance(item, Step) else None
    return isinstance(code, Run) and (code.place.name, code.place.index) in gone


def _is_no_op(code: Code) -> bool:
    """`nn.Dropout(0.0)` and its like."""
    if not isinstance(code, Apply) or not re.search(r"(?:Dropout|DropPath)(?:[123]d)?\Z", code.target):
        return False
    rate = code.args[0] if code.args else None
    return isinstance(rate, Leaf) and rate.value == 0


def _without(items: list[Item], gone: set[tuple[str, int | None]]) -> list[Item]:
    """Items without the applications of what is gone. As deep as loops nest."""
    kept = [item for item in items if not _applies(item, gone)]
    for item in kept:
        if isinstance(item, Loop):
            item.steps = _without(item.steps, gone)
    return kept


# ---------------------------------------------------------------------------------------------------- chains of labels


def _label_chains(body: Body) -> None:
    """Turn functional steps into modules where they are links of a chain that one label numbers from end to end."""
    read = body.reads()
    position = 0
    while position < len(body.items):
        length = _chain_length(body, position, read)
        for step in body.items[position : position + length]:
            if not isinstance(step, Step):
                raise InternalError("a chain has a link that is no step")
            if not isinstance(step.code, Run):
                made = as_module(step)
                if made is None:
                    raise InternalError("a chain has a link that is no module")
                body.entries.setdefault(step.place.name, []).append(Entry(step.place, made, (), ()))
                step.code = Run(step.place, (Input(step.code.values[0]),))
        position += max(length, 1)


def _chain_length(body: Body, start: int, read: Mapping[Value, int]) -> int:
    """How many steps from `start` on are a chain numbered by one label, with state and without; 0 if none are."""
    first = body.items[start]
    if not isinstance(first, Step) or first.place.index != 0 or first.place.name not in body.entries:
        return 0
    name = first.place.name
    position = start
    functional = False
    while position < len(body.items):
        step = body.items[position]
        if not isinstance(step, Step) or (step.place.name, step.place.index) != (name, position - start):
            break
        owns = isinstance(step.code, Run) and step.code.place.name == name and not step.place.strides
        if not owns and as_module(step) is None:
            return 0
        values = step.code.values
        previous = body.items[position - 1].outputs[0] if position > start else None
        if previous is not None and (values != [previous] or read[previous] != 1):
            return 0
        functional = functional or not owns
        position += 1
    stateful = len(body.entries[name])
    complete = all(
        entry.place.index is not None and entry.place.index < position - start for entry in body.entries[name]
    )
    return position - start if functional and complete and stateful >= 1 and position - start > 1 else 0


def as_module(step: Step) -> Apply | None:
    """The module that does what a step of one tensor does, if PyTorch has one."""
    code = step.code
    if len(code.values) != 1 or len(step.outputs) != 1:
        return None
    if isinstance(code, Apply) and code.target in FUNCTION_MODULES and code.args and isinstance(code.args[0], Input):
        return Apply(FUNCTION_MODULES[code.target], code.args[1:], code.options)
    if isinstance(code, Method) and code.name == "flatten" and isinstance(code.receiver, Input) and not code.options:
        starts = [arg.value for arg in code.args if isinstance(arg, Leaf)]
        return Apply("nn.Flatten", () if starts == [1] else code.args)
    return None


# ----------------------------------------------------------------------------------------------------------- sequences


def is_sequence(body: Body) -> bool:
    """Whether a body is a chain of parts that are called `0`, `1`, `2`, ... in order, each a module or the like of
    one."""
    if len(body.inputs) != 1 or not body.items or any(not name.isdecimal() for name in body.entries):
        return False
    value = body.inputs[0]
    for position, item in enumerate(body.items):
        if not isinstance(item, Step) or item.place.name != str(position) or item.place.index is not None:
            return False
        owns = isinstance(item.code, Run) and item.code.place.name == item.place.name
        if item.code.values != [value] or not (owns or as_module(item)) or len(item.outputs) != 1:
            return False
        value = item.outputs[0]
    starts = any(entry.starts for entries in body.entries.values() for entry in entries)
    return body.outputs == (value,) and not starts


def _as_sequence(body: Body) -> None:
    entries: dict[str, list[Entry]] = {}
    for step in body.items:
        if not isinstance(step, Step):
            raise InternalError("a sequence has a link that is no step")
        name = step.place.name
        if name in body.entries:
            entries[name] = body.entries[name]
            continue
        made = as_module(step)
        if made is None:
            raise InternalError("a sequence has a link that is no module")
        entries[name] = [Entry(step.place, made, (), ())]
        step.code = Run(step.place, (Input(step.code.values[0]),))
    body.entries = entries


# ------------------------------------------------------------------------------------------------------------ families


def _families(bodies: Sequence[Body]) -> None:
    """Make lists of numbered names that one call of the source has, in every specialisation that has them."""
    found = [_numbered(body) for body in bodies]
    large = {name for each in found for name, (_, count) in each.items() if count >= FAMILY}
    for body, each in zip(bodies, found, strict=True):
        for prefix in large & set(each):
            first, count = each[prefix]
            moved = {f"{prefix}{first + k}": Place(prefix, k) for k in range(count)}
            _rename(body, prefix, moved)
            body.families[prefix] = first


def _numbered(body: Body) -> dict[str, tuple[int, int]]:
    """Beginnings of names that count up without a gap, with the first number and how many; only names that occur
    once and that come from one place of the source."""
    spans: dict[str, tuple[int, int]] = {}
    pending = list(body.items)
    while pending:
        item = pending.pop()
        if isinstance(item, Step):
            spans[item.place.name] = (id(item.span.source), item.span.start)
        elif isinstance(item, Region):
            pending.extend(item.steps)
    runs: dict[str, list[tuple[int, tuple[int, int] | None]]] = {}
    for name, entries in body.entries.items():
        if (
            len(entries) == 1
            and (numbered := entries[0].numbered)
            and is_attribute(numbered[0])
            and not entries[0].times
        ):
            runs.setdefault(numbered[0], []).append((numbered[1], spans.get(name)))
    found: dict[str, tuple[int, int]] = {}
    for prefix, members in runs.items():
        first = members[0][0]
        numbers = [number for number, _ in members]
        one_place = len({span for _, span in members}) == 1 and members[0][1] is not None
        counting = numbers == list(range(first, first + len(members)))
        if len(members) > 1 and one_place and counting and prefix not in body.entries:
            found[prefix] = (first, len(members))
    return found


def untangle(bodies: Sequence[Body]) -> None:
    """Give the members of families their names back where no loop was found that walks through them."""
    looped = {
        place.name
        for body in bodies
        for place in places(body.items)
        if any(place.strides) and place.name in body.families
    }
    for body in bodies:
        for prefix in set(body.families) - looped:
            first = body.families.pop(prefix)
            back = {entry.place.index: f"{prefix}{first + (entry.place.index or 0)}" for entry in body.entries[prefix]}
            entries: dict[str, list[Entry]] = {}
            for name, listed in body.entries.items():
                if name != prefix:
                    entries[name] = listed
                    continue
                for entry in listed:
                    single = back[entry.place.index]
                    entries[single] = [replace(entry, place=Place(single))]
            body.entries = entries

            def named(old: Place, prefix: str = prefix, back: Mapping[int | None, str] = back) -> Place:
                return Place(back[old.index]) if old.name == prefix else old

            substitute(body.items, place=named)


def _rename(body: Body, prefix: str, moved: dict[str, Place]) -> None:
    entries: dict[str, list[Entry]] = {}
    for name, listed in body.entries.items():
        if name in moved:
            (entry,) = listed
            entries.setdefault(prefix, []).append(replace(entry, place=moved[name]))
        else:
            entries[name] = listed
    body.entries = entries

    substitute(body.items, place=lambda old: moved.get(old.name, old))
