"""Turn grammar.lark into table.json: `python -m archdsl.syntax.parse_table` (`--check` only compares).

Lark reads the grammar, proves it free of conflicts and computes the LALR(1) tables; what ships is those
tables as plain data. Lark's own engine is not used when a spec is parsed because of its start-up: 47 ms until a saved
parser is ready, on every command, against 5 ms for our driver and its table.

Never a pickle: reading a pickle runs code. The bytes are the same whatever the hash seed, because states are
numbered in the order in which a walk from the start state, symbols sorted, finds them.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GRAMMAR = HERE / "grammar.lark"
TABLE = HERE / "table.json"


def build_lark() -> Any:
    """The grammar as a Lark parser; raises if any two rules conflict."""
    from lark import Lark
    from lark.lexer import Lexer

    class NoLexer(Lexer):
        """Stands in for archdsl's own lexer: building tables needs none."""

        def __init__(self, *_: object) -> None:
            pass

        def lex(self, lexer_state: Any, parser_state: Any) -> Any:
            raise NotImplementedError

    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer=NoLexer,
        start="file",
        strict=True,
        maybe_placeholders=True,
    )


def terminal_kinds(lark: Any) -> dict[str, str]:
    """From Lark's name of a terminal to ours: the text itself where it is fixed (`->`, `block`), else the
    name."""
    kinds = {"$END": "$END"}
    for terminal in lark.terminals:
        kinds[terminal.name] = terminal.pattern.value
    return kinds


def build() -> bytes:
    """The bytes of table.json for the grammar as it is now."""
    lark = build_lark()
    tables = lark.parser.parser._parse_table
    kinds = terminal_kinds(lark)

    def kind(terminal: str) -> str:
        return kinds.get(terminal, terminal.lstrip("_"))

    rules: list[list[object]] = []
    rule_number: dict[int, int] = {}
    used = {id(a[1]): a[1] for row in tables.states.values() for a in row.values() if str(a[0]) == "Reduce"}
    ordered = sorted(used.values(), key=lambda r: (r.origin.name, [s.name for s in r.expansion]))
    for rule in ordered:
        rule_number[id(rule)] = len(rules)
        rules.append([rule.origin.name, len(rule.expansion), _maker(rule), _template(rule)])

    start, end = tables.start_states["file"], tables.end_states["file"]
    numbers = {start: 0}
    queue = [start]
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in queue:
        action_row: dict[str, int] = {}
        goto_row: dict[str, int] = {}
        for symbol, (what, target) in sorted(tables.states[state].items()):
            if str(what) == "Reduce":
                action_row[kind(symbol)] = ~rule_number[id(target)]
                continue
            if target not in numbers:
                numbers[target] = len(numbers)
                queue.append(target)
            if symbol in kinds or symbol.isupper():
                action_row[kind(symbol)] = numbers[target]
            else:
                goto_row[symbol] = numbers[target]
        if state == end:
            action_row["$END"] = 0
        actions.append(action_row)
        gotos.append(goto_row)

    lines = ['{"rules": [']
    lines.append(",\n".join(json.dumps(rule) for rule in rules))
    lines.append('], "actions": [')
    lines.append(",\n".join(json.dumps(row, separators=(",", ":")) for row in actions))
    lines.append('], "gotos": [')
    lines.append(",\n".join(json.dumps(row, separators=(",", ":")) for row in gotos))
    lines.append("]}\n")
    return "\n".join(lines).encode("ascii")


def _included(rule: Any) -> list[int]:
    return [i for i, s in enumerate(rule.expansion) if not (s.is_term and s.filter_out)]


def _maker(rule: Any) -> str:
    """The function of actions.py that makes the value: "" to pass the only child on, "*" to gather children
    into a run that is spliced into the rule above (the helper rules behind `*` and `_comma`)."""
    if rule.origin.name.startswith("_"):
        return "*"
    included = _included(rule)
    one = len(included) == 1 and not rule.expansion[included[0]].name.startswith("__")
    if rule.options.expand1 and rule.alias is None and one:
        return ""
    return rule.alias or str(rule.origin.name)


def _template(rule: Any) -> list[int | None] | int:
    """The children that the function gets: their positions from the end (-1 is the last), None for an absent
    `[x]`; where children are runs to splice, a number with one bit for each child to include."""
    included = _included(rule)
    if any(not s.is_term and s.name.startswith("_") for s in rule.expansion):
        return sum(1 << i for i in included)
    size = len(rule.expansion)
    template: list[int | None] = []
    position = 0
    for is_absent in rule.options.empty_indices or [False] * size:
        if is_absent:
            template.append(None)
            continue
        if position in included:
            template.append(position - size)
        position += 1
    return template


def main(arguments: list[str]) -> int:
    fresh = build()
    if "--check" in arguments:
        current = TABLE.exists() and TABLE.read_bytes() == fresh
        print("table.json is current" if current else "table.json is stale: run python -m archdsl.syntax.parse_table")
        return 0 if current else 1
    TABLE.write_bytes(fresh)
    print(f"wrote {TABLE}: {len(fresh)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
