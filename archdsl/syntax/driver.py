"""Run the LALR tables over tokens and build the AST on the way.

The machine is the textbook one: a stack of states, a stack of values, no recursion. Three things are added. A
chain of rules that only pass a value on (an expression climbs eleven levels of precedence) is walked once and
then remembered. A rule's offsets are kept beside its value, so that a span has the brackets in it. And an
error does not end the parse: the item, statement or check it is in gives way to the ERROR the grammar allows
there, and reading goes on after it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from archdsl.syntax import ast
from archdsl.syntax.build import Builder
from archdsl.syntax.tokens import Tokens

TABLE: Final = Path(__file__).with_name("table.json")

Row = dict[str, int]
"""What to do on a kind of token: n > 0 go to state n, n < 0 apply rule ~n, 0 accept. A missing kind is an
error."""
Template = list[int | None] | int
"""Positions of the children that a rule's function gets; a bit mask where some of them are runs to splice."""
Rule = tuple[str, int, str, Template]
"""Left side, number of symbols on the right, name of the function, template."""


class Tables:
    """table.json, read once a process."""

    def __init__(self) -> None:
        data = json.loads(TABLE.read_bytes())
        self.rules: list[Rule] = data["rules"]
        self.actions: list[Row] = data["actions"]
        self.gotos: list[Row] = data["gotos"]
        self.passes: list[bool] = [rule[2] == "" and rule[1] == 1 for rule in self.rules]
        self.climbs: dict[tuple[int, str, str], tuple[int, int | None]] = {}


_tables: list[Tables] = []


def tables() -> Tables:
    if not _tables:
        _tables.append(Tables())
    return _tables[0]


class Run(list[Any]):
    """Children of a helper rule on their way into the list of the rule above."""


Recover = Callable[["Machine", int], int]


class Machine:
    """One parse. `recover(machine, i)` is called on an error at token i, after which the machine goes on at
    the token it returns; it uses `expected` and `abandon`."""

    def __init__(self, tokens: Tokens, builder: Builder, recover: Recover) -> None:
        self.tables = tables()
        self.tokens = tokens
        self.builder = builder
        self.recover = recover
        self.makers: list[Callable[..., Any] | None] = [
            getattr(builder, "make_" + rule[2]) if rule[2] not in ("", "*") else None
            for rule in self.tables.rules
        ]
        self.states: list[int] = [0]
        self.values: list[Any] = [None]
        self.starts: list[int] = [0]
        self.ends: list[int] = [0]

    def run(self) -> ast.File:
        """The whole file; what could not be read is left out of it and was reported."""
        kinds = self.tokens.kinds
        actions = self.tables.actions
        position = 0
        while True:
            kind = kinds[position]
            action = actions[self.states[-1]].get(kind)
            while action is not None and action < 0:
                action = self.reduce(~action, kind)
            if action is None:
                position = self.recover(self, position)
            elif action == 0:
                result = self.values[-1]
                assert isinstance(result, ast.File)
                return result
            else:
                self.shift(action, position)
                position += 1

    def shift(self, state: int, position: int) -> None:
        tokens = self.tokens
        kind, start, end = tokens.kinds[position], tokens.starts[position], tokens.ends[position]
        value: Any = tokens.values[position]
        if kind == "NAME":
            value = ast.Name(value, self.builder.span(start, end))
        elif kind == "NUMBER":
            span = self.builder.span(start, end)
            value = ast.Int(value, span) if isinstance(value, int) else ast.Float(value, span)
        elif kind.startswith("STRING"):
            value = ast.String([value] if value else [], self.builder.span(start, end))
        elif kind == "ERROR":
            value = None
        self.states.append(state)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)

    def reduce(self, number: int, kind: str) -> int | None:
        """Apply a rule before a token of `kind`; returns what to do next."""
        left, size, _, template = self.tables.rules[number]
        values = self.values
        if not self.tables.passes[number]:
            start, end = self.starts[-size], self.ends[-1]
            if size == 0:
                start = end
            value = self.make(number, size, template, start, end)
            if size != 1:
                keep = len(values) - size
                del self.states[keep:], values[keep:], self.starts[keep:], self.ends[keep:]
                values.append(value)
                self.starts.append(start)
                self.ends.append(end)
            else:
                values[-1] = value
                self.states.pop()
        else:
            self.states.pop()
        below = self.states[-1]
        climb = self.tables.climbs.get((below, left, kind))
        if climb is None:
            climb = self.climb(below, left, kind)
        self.states.append(climb[0])
        return climb[1]

    def make(self, number: int, size: int, template: Template, start: int, end: int) -> Any:
        """The value of a rule whose symbols are on top of the stack."""
        maker = self.makers[number]
        if maker is None:
            run = self.gather(size, template)
            return run if self.tables.rules[number][2] == "*" else run[0]
        if isinstance(template, int):
            return maker(start, end, *self.gather(size, template))
        first = len(self.values) - size
        return maker(start, end, *[None if at is None else self.values[first + at] for at in template])

    def gather(self, size: int, template: Template) -> Run:
        """The children a template names, runs spliced. The run of a growing list is taken over, not
        copied."""
        values = self.values
        first = len(values) - size
        if isinstance(template, int):
            chosen = [values[first + i] for i in range(size) if template >> i & 1]
        else:
            chosen = [values[first + i] for i in template if i is not None]
        if chosen and isinstance(chosen[0], Run):
            run = chosen.pop(0)
        else:
            run = Run()
        for value in chosen:
            if isinstance(value, Run):
                run.extend(value)
            else:
                run.append(value)
        return run

    def climb(self, below: int, left: str, kind: str) -> tuple[int, int | None]:
        """The state after `left` on top of state `below`, rules that pass a value on already applied."""
        tables = self.tables
        name = left
        while True:
            state = tables.gotos[below][name]
            action = tables.actions[state].get(kind)
            if action is None or action >= 0 or not tables.passes[~action]:
                break
            name = tables.rules[~action][0]
        tables.climbs[below, left, kind] = state, action
        return state, action

    # ------------------------------------------------------------------------------------------------- errors

    def accepts(self, kind: str) -> bool:
        """Whether a token of `kind` could come next: tries it without building anything."""
        base, tables = self.states, self.tables
        kept, added = len(base), list[int]()
        while True:
            top = added[-1] if added else base[kept - 1]
            action = tables.actions[top].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            left, size = tables.rules[~action][:2]
            removed = min(size, len(added))
            if removed:
                del added[len(added) - removed :]
            kept -= size - removed
            added.append(tables.gotos[added[-1] if added else base[kept - 1]][left])

    def expected(self) -> set[str]:
        """The kinds of token that could come next."""
        return {kind for kind in self.tables.actions[self.states[-1]] if self.accepts(kind)}

    def abandon(self) -> int:
        """Drop what was read of the innermost item, statement or check, and put ERROR in its place. Returns
        the offset at which the dropped text starts, or -1 when nothing was dropped."""
        states = self.states
        keep = len(states)
        while "ERROR" not in self.tables.actions[states[keep - 1]]:
            keep -= 1
        start = self.starts[keep] if keep < len(states) else -1
        end = self.ends[-1]
        del states[keep:], self.values[keep:], self.starts[keep:], self.ends[keep:]
        states.append(self.tables.actions[states[-1]]["ERROR"])
        self.values.append(None)
        self.starts.append(start if start >= 0 else end)
        self.ends.append(end)
        return start
