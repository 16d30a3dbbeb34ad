"""When two block arguments are interchangeable, and which tensors they carry.

Tensors among a block's arguments become extra inputs of the specialised function, and a body in braces brings along the
tensors it mentions. So arguments are compared with tensors counted by type and by which of them are the same one.

Bodies may mention bodies that mention bodies: as a tree that is exponential in the depth of calls. Everything here is
therefore computed once per object, and a composite key is interned, so that comparing and hashing never recurses.
"""

from typing import Any

from archdsl.elaborate.values import (
    BLOCKS,
    BlockDef,
    Closure,
    Defaults,
    OperatorRef,
    Partial,
    Static,
    Tensor,
    Unknown,
    is_list,
)
from archdsl.ir.program import Value
from archdsl.records import record


class Key:
    """Stands for one distinct composite; equal only to itself."""

    __slots__ = ()


@record
class Summary:
    """`key` under which the value is interchangeable with others as an argument, and the tensors it carries, each
    once, in the order in which they become inputs."""

    key: object
    tensors: tuple[Value, ...]


_PLAIN = {int, str}
"""Types whose values are equal only when they are interchangeable (`1 == True == 1.0` in Python)."""
_NOTHING = Summary(None, ())


class Lifting:
    """Summaries of arguments. One per elaborator."""

    def __init__(self) -> None:
        self._interned: dict[object, Key] = {}
        self._defaults: dict[int, tuple[Defaults, Key]] = {}
        self.visited = 0
        """List elements and names looked at so far, for the step budget."""

    def summary(self, value: Any) -> Summary:
        """What is known of one argument."""
        if isinstance(value, Static):
            return self.summary(value.value)
        if isinstance(value, bool):
            return Summary(("bool", value), ())
        if isinstance(value, float):
            # repr tells 0.0 from -0.0.
            return Summary(("float", repr(value)), ())
        if is_list(value):
            items: tuple[Any, ...] = value
            self.visited += len(items)
            if set(map(type, items)) <= _PLAIN:
                return Summary(self._intern(("plain", items)), ())
            return self._composite("list", [self.summary(item) for item in items])
        if isinstance(value, Tensor):
            flow = value.flow
            if isinstance(flow, Unknown):
                return Summary(("tensor", None), ())
            values = (flow,) if isinstance(flow, Value) else flow
            unique = tuple(dict.fromkeys(values))
            pattern = tuple(unique.index(item) for item in values)
            types = tuple(item.type for item in values)
            return Summary(("tensor", isinstance(flow, Value), types, pattern), unique)
        if isinstance(value, OperatorRef):
            return Summary(("operator", value.cls), ())
        if isinstance(value, BlockDef):
            return Summary(value, ())
        if isinstance(value, Partial):
            if value.summary is None:
                parts = [self.summary(value.callee)]
                names = ("given", *(name for name, _ in value.given), "default", *(name for name, _ in value.defaults))
                parts += [self.summary(given) for _, given in (*value.given, *value.defaults)]
                value.summary = self._composite(names, parts)
            return value.summary
        if isinstance(value, Closure):
            if value.summary is None:
                self.visited += len(value.free)
                parts = [
                    _NOTHING if bound is None else self.summary(bound)
                    for bound in (value.captured.get(name) or value.scope.lookup(name) for name in value.free)
                ]
                value.summary = self._composite((id(value.body), self._defaults_key(value.scope.defaults)), parts)
            return value.summary
        return Summary(value, ())

    def carries_tensors(self, value: Any) -> bool:
        """Whether a bound name brings tensors along."""
        if isinstance(value, Static):
            value = value.value
        return isinstance(value, (Tensor, tuple, *BLOCKS)) and bool(self.summary(value).tensors)

    def together(self, kind: object, values: list[Any]) -> Summary:
        """The summary of several arguments as one."""
        return self._composite(kind, [self.summary(value) for value in values])

    def _composite(self, kind: object, parts: list[Summary]) -> Summary:
        tensors = [tensor for part in parts for tensor in part.tensors]
        position = {tensor: index for index, tensor in enumerate(dict.fromkeys(tensors))}
        content = (kind, tuple(part.key for part in parts), tuple(position[tensor] for tensor in tensors))
        return Summary(self._intern(content), tuple(position))

    def _intern(self, content: object) -> Key:
        key = self._interned.get(content)
        if key is None:
            key = self._interned[content] = Key()
        return key

    def _defaults_key(self, defaults: Defaults) -> Key:
        known = self._defaults.get(id(defaults))
        if known is None:
            content = tuple(
                (callee, tuple((name, self.summary(given).key) for name, given in arguments.items()))
                for callee, arguments in defaults.items()
            )
            known = self._defaults[id(defaults)] = (defaults, self._intern(("defaults", content)))
        return known[1]


def replace_tensors(value: Any, replacements: dict[Value, Value], memo: dict[int, Any]) -> Any:
    """The same argument as the specialised function sees it: every tensor replaced by the function's input. `memo` is
    empty at first and keeps what was replaced already."""
    if isinstance(value, Tensor):
        flow = value.flow
        if isinstance(flow, Unknown):
            return value
        if isinstance(flow, Value):
            return Tensor(replacements[flow])
        return Tensor(tuple(replacements[item] for item in flow))
    if isinstance(value, Static):
        return Static(replace_tensors(value.value, replacements, memo))
    if is_list(value):
        items: tuple[Any, ...] = value
        if not any(isinstance(item, (tuple, Tensor, Partial, Closure)) for item in items):
            return items
        return tuple(replace_tensors(item, replacements, memo) for item in items)
    if not isinstance(value, (Partial, Closure)) or not value.summary.tensors:
        return value
    known = memo.get(id(value))
    if known is not None:
        return known
    if isinstance(value, Partial):
        given = tuple((name, replace_tensors(item, replacements, memo)) for name, item in value.given)
        result: Any = Partial(value.callee, given, value.defaults, value.spans)
    else:
        captured = {name: replace_tensors(item, replacements, memo) for name, item in value.captured.items()}
        result = Closure(value.name, value.body, value.scope, value.free, captured)
    memo[id(value)] = result
    return result
