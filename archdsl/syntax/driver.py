"""Run the LALR tables over tokens and build the AST on the way.

The machine is the textbook one: a stack of states, a stack of values, no recursion. Three things are added. A
chain of rules that only pass a value on (an expression climbs eleven levels of precedence) is walked once and
then remembered. A rule's offsets are kept beside its value, so that a span has the brackets in it. And an
error does not end the parse: the item, statement or check it is in gives way to the ERROR the grammar allows
there, and reading goes on after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from archdsl.syntax import ast
from archdsl.syntax.actions import Actions
from archdsl.syntax.tokens import Tokens

TABLE: Final = Path(__file__).with_name("table.json")

Row = dict[str, int]
"""The action on a kind of token: n > 0 go to state n, n < 0 apply rule ~n, 0 accept. A missing kind is an
error."""
Template = list[int | None] | int
"""The children that a rule's function gets, counted back from the last, None for an absent one; where some of
them are runs to splice, a bit mask counted from the first."""
Rule = tuple[str, int, str, Template]
"""Left side, number of symbols on the right, name of the function, template."""


class Tables:
    """table.json, read once a process."""

    def __init__(self) -> None:
        data = json.loads(TABLE.read_bytes())
        self.rules: list[Rule] = data["rules"]
        self.actions: list[Row] = data["actions"]
        self.gotos: list[Row] = data["gotos"]
        self.makers: list[str] = [rule[2] for rule in self.rules]
        self.passes: list[bool] = [rule[2] == "" and rule[1] == 1 for rule in self.rules]
        self.climbs: dict[tuple[int, str, str], tuple[int, int | None]] = {}


_tables: list[Tables] = []


def tables() -> Tables:
    if not _tables:
        _tables.append(Tables())
    return _tables[0]


class Splice(list[Any]):
    """Children of a helper rule on their way into the list of the rule above."""


Recover = Callable[["Machine", int], int]


class Machine:
    """One parse. `recover(machine, i)` is called on an error at token i, after which the machine goes on at
    the token it returns; it uses `expected` and `abandon`."""

    def __init__(self, tokens: Tokens, builder: Actions, recover: Recover) -> None:
        self.tables = tables()
        self.tokens = tokens
        self.builder = builder
        self.recover = recover
        self.makers = [getattr(builder, "make_" + name) if name.isidentifier() else None for name in self.tables.makers]
        """The function of each rule; None for rules that only pass on or gather."""
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
        tables, states = self.tables, self.states
        if tables.passes[number]:
            left = tables.rules[number][0]
            states.pop()
        else:
            left, size, _, template = tables.rules[number]
            values = self.values
            maker: Callable[..., Any] | None = self.makers[number]
            if size == 1:
                start, end = self.starts[-1], self.ends[-1]
            else:
                end = self.ends[-1]
                start = self.starts[-size] if size else end
            if maker is None:
                value: Any = self.gather(size, template)
                if not tables.rules[number][2]:
                    value = value[0]
            elif isinstance(template, int):
                value = maker(start, end, *self.gather(size, template))
            else:
                value = maker(start, end, *[None if at is None else values[at] for at in template])
            if size == 1:
                values[-1] = value
                states.pop()
            else:
                if size:
                    del states[-size:], values[-size:], self.starts[-size:], self.ends[-size:]
                values.append(value)
                self.starts.append(start)
                self.ends.append(end)
        climb = tables.climbs.get((states[-1], left, kind))
        if climb is None:
            climb = self.climb(states[-1], left, kind)
        states.append(climb[0])
        return climb[1]

    def gather(self, size: int, template: Template) -> Splice:
        """The children a template names, runs spliced. The run of a growing list is taken over, not
        copied."""
        values = self.values
        if isinstance(template, int):
            chosen = [values[at - size] for at in range(size) if template >> at & 1]
        else:
            chosen = [values[at] for at in template if at is not None]
        if chosen and isinstance(chosen[0], Splice):
            run = chosen.pop(0)
        else:
            run = Splice()
        for value in chosen:
            if isinstance(value, Splice):
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

    def abandon(self, further: bool = False) -> int:
        """Drop what was read of the innermost item, statement or check, and put ERROR in its place;
        `further`: of the one around the last one dropped. Returns the offset at which the dropped text
        starts, or -1 when nothing was dropped."""
        states = self.states
        keep = len(states) - 2 if further else len(states)
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
