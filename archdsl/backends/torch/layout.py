"""Syntax trees to text, laid out as `ruff format` lays code out at its default width of 88.

Only the constructs that the PyTorch backend builds are handled; anything else is an `InternalError`, because it is
a bug of the backend. `render` parses its own result and compares it with the tree it was given, so no name, label
or doc comment can become code: text reaches the output through string constants and comments alone.

Parentheses: `_BINDING` says how tightly an expression holds together, and whoever writes an expression inside another
one says how tightly it must, be it on one line (`_flat`) or on several (`_layout`).

The rules, in the order in which they are tried: a statement that fits stays on one line; the outermost bracket
breaks first; the arguments of a call move to one indented line if they fit there, else to one line each with a
trailing comma; displays go to one line per element at once; a conditional expression is put in parentheses."""

import ast
import sys
from collections.abc import Mapping, Sequence

from archdsl.internal import InternalError

WIDTH = 88

_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.BitOr: "|",
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_LOOSEST: list[tuple[type[ast.AST], ...]] = [
    (ast.Starred,),
    (ast.IfExp,),
    (ast.Or,),
    (ast.And,),
    (ast.Not,),
    (ast.Compare,),
    (ast.BitOr,),
    (ast.Add, ast.Sub),
    (ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.MatMult),
    (ast.USub,),
    (ast.Pow,),
]
"""Python's operators, from those that hold together least to those that hold together most."""
_BINDING: dict[type[ast.AST], int] = {kind: level for level, kinds in enumerate(_LOOSEST, 1) for kind in kinds}
_ATOM = len(_LOOSEST) + 1


def _binding(node: ast.expr) -> int:
    """How tightly an expression holds together."""
    kind = type(node.op) if isinstance(node, ast.BinOp | ast.UnaryOp | ast.BoolOp) else type(node)
    return _BINDING.get(kind, _ATOM)


def render(
    tree: ast.Module, comments: Mapping[ast.stmt, str] | None = None, verbatim: Mapping[ast.stmt, str] | None = None
) -> str:
    """The text of a module. `comments` go at the end of a statement's last line; a statement in `verbatim` is our
    own text (a helper that an operator declares) and is printed as it stands."""
    lines: list[str] = []
    _block(tree.body, "", lines, comments or {}, verbatim or {}, top=True)
    text = "\n".join(lines) + "\n"
    try:
        same = ast.dump(ast.parse(text)) == ast.dump(tree)
    except SyntaxError as error:
        raise InternalError(f"the printed source is no Python: {error}") from error
    if not same:
        raise InternalError("the printed source does not say what the tree says")
    return text


def flat(node: ast.expr) -> str:
    """The text of an expression on one line."""
    return _flat(node, 0)


def _block(
    body: Sequence[ast.stmt],
    indent: str,
    lines: list[str],
    comments: Mapping[ast.stmt, str],
    verbatim: Mapping[ast.stmt, str],
    *,
    top: bool = False,
) -> None:
    previous: ast.stmt | None = None
    for statement in body:
        defines = isinstance(statement, ast.ClassDef | ast.FunctionDef)
        if previous is not None:
            was_definition = isinstance(previous, ast.ClassDef | ast.FunctionDef)
            if defines or was_definition:
                lines.extend([""] * (2 if top else 1))
            elif (top and _is_docstring(previous) and previous is body[0]) or (
                _is_import(previous)
                and (not _is_import(statement) or _is_standard(previous) != _is_standard(statement))
            ):
                lines.append("")
        if statement in verbatim:
            lines.extend(verbatim[statement].strip("\n").split("\n"))
        else:
            _statement(statement, indent, lines, comments, verbatim, first=statement is body[0])
        previous = statement


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_standard(node: ast.stmt) -> bool:
    """Whether an import is of Python's own library."""
    first = (
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name if isinstance(node, ast.Import) else ""
    )
    return (first or "").split(".")[0] in sys.stdlib_module_names


def _statement(
    node: ast.stmt,
    indent: str,
    lines: list[str],
    comments: Mapping[ast.stmt, str],
    verbatim: Mapping[ast.stmt, str],
    *,
    first: bool,
) -> None:
    inner = indent + "    "
    if isinstance(node, ast.Expr):
        if first and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.extend(_docstring(node.value.value, indent))
        else:
            lines.extend(_top(node.value, indent, ""))
    elif isinstance(node, ast.Assign):
        (place,) = node.targets
        prefix = f"{_flat_target(place)} = "
        if isinstance(place, ast.Tuple) and len(indent) + len(prefix) + len(flat(node.value)) > WIDTH:
            opened = [f"{indent}(", *(f"{inner}{flat(element)}," for element in place.elts)]
            lines.extend([*opened, *_top(node.value, indent, ") = ")])
        else:
            lines.extend(_top(node.value, indent, prefix))
    elif isinstance(node, ast.Return):
        lines.extend(_top(node.value, indent, "return ") if node.value else [indent + "return"])
    elif isinstance(node, ast.Import):
        lines.append(indent + "import " + ", ".join(map(_alias, node.names)))
    elif isinstance(node, ast.ImportFrom):
        lines.append(f"{indent}from {node.module} import {', '.join(map(_alias, node.names))}")
    elif isinstance(node, ast.Pass):
        lines.append(indent + "pass")
    elif isinstance(node, ast.If):
        if node.orelse:
            raise InternalError("an `if` with an `else` is not handled")
        lines.append(f"{indent}if {flat(node.test)}:")
        _block(node.body, inner, lines, comments, verbatim)
    elif isinstance(node, ast.For):
        lines.extend(_top(node.iter, indent, f"for {_flat_target(node.target)} in ", ":"))
        _block(node.body, inner, lines, comments, verbatim)
    elif isinstance(node, ast.ClassDef):
        lines.append(f"{indent}class {node.name}({', '.join(map(flat, node.bases))}):")
        body = node.body
        if _is_docstring(body[0]) and len(body) > 1:
            lines.extend(_docstring(body[0].value.value, inner))  # type: ignore[attr-defined]
            lines.append("")
            body = body[1:]
        _block(body, inner, lines, comments, verbatim)
    elif isinstance(node, ast.FunctionDef):
        lines.extend(_signature(node, indent))
        _block(node.body, inner, lines, comments, verbatim)
    else:
        raise InternalError(f"{type(node).__name__} is not handled")
    if node in comments:
        lines[-1] += f"  # {comments[node]}"


def _alias(name: ast.alias) -> str:
    return f"{name.name} as {name.asname}" if name.asname else name.name


def _flat_target(target: ast.expr) -> str:
    if isinstance(target, ast.Tuple) and target.elts:
        return ", ".join(map(flat, target.elts)) + ("," if len(target.elts) == 1 else "")
    return flat(target)


def _signature(node: ast.FunctionDef, indent: str) -> list[str]:
    arguments = list(map(_typed, node.args.args))
    for offset, default in enumerate(node.args.defaults, len(arguments) - len(node.args.defaults)):
        equals = " = " if node.args.args[offset].annotation else "="
        arguments[offset] += f"{equals}{flat(default)}"
    if node.args.vararg is not None:
        arguments.append(f"*{_typed(node.args.vararg)}")
    returns = f" -> {flat(node.returns)}" if node.returns else ""
    return _bracketed(f"{indent}def {node.name}(", arguments, f"){returns}:", indent)


def _typed(argument: ast.arg) -> str:
    return f"{argument.arg}: {flat(argument.annotation)}" if argument.annotation else argument.arg


def _bracketed(head: str, parts: Sequence[str], tail: str, indent: str) -> list[str]:
    """Texts between brackets: on one line, on one indented line, or on a line each."""
    joined = ", ".join(parts)
    if len(head) + len(joined) + len(tail) <= WIDTH:
        return [head + joined + tail]
    inner = indent + "    "
    if len(inner) + len(joined) <= WIDTH:
        return [head, inner + joined, indent + tail]
    return [head, *(f"{inner}{part}," for part in parts), indent + tail]


def _docstring(text: str, indent: str) -> list[str]:
    """A docstring. Every character that is not printable is escaped, direction marks included, and every backslash
    and double quote that could end the string."""
    escaped = "".join(_docstring_character(c) for c in text).replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    paragraphs = escaped.split("\n")
    if len(paragraphs) == 1:
        return [f'{indent}"""{escaped}"""']
    return [f'{indent}"""{paragraphs[0]}', *(line and line for line in paragraphs[1:-1]), f'{paragraphs[-1]}"""']


def _docstring_character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character == "\n" or character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def _top(node: ast.expr, indent: str, prefix: str, suffix: str = "") -> list[str]:
    """An expression that no bracket is around, where parentheses may be added."""
    if isinstance(node, ast.Tuple):
        bare = len(node.elts) > 1 and not any(isinstance(each, ast.Starred) for each in node.elts)
        text = _flat_target(node) if bare else flat(node)
        if len(indent) + len(prefix) + len(text) + len(suffix) <= WIDTH:
            return [indent + prefix + text + suffix]
    text = flat(node)
    if isinstance(node, ast.IfExp | ast.BinOp) and len(indent) + len(prefix) + len(text) + len(suffix) > WIDTH:
        return [f"{indent}{prefix}(", *_layout(node, indent + "    ", "", ""), f"{indent}){suffix}"]
    return _layout(node, indent, prefix, suffix)


def _layout(node: ast.expr, indent: str, prefix: str, suffix: str, level: int = 0) -> list[str]:
    """Lines of `prefix expression suffix`; the first starts at `indent`. `level` as for `_flat`."""
    text = _flat(node, level)
    if len(indent) + len(prefix) + len(text) + len(suffix) <= WIDTH:
        return [indent + prefix + text + suffix]
    inner = indent + "    "
    if _binding(node) < level:
        return [f"{indent}{prefix}(", *_layout(node, inner, "", ""), f"{indent}){suffix}"]
    if isinstance(node, ast.Starred):
        return _layout(node.value, indent, prefix + "*", suffix, _ATOM)
    if isinstance(node, ast.Call) and (node.args or node.keywords):
        return _exploded_call(node, indent, prefix, suffix)
    if isinstance(node, ast.Subscript):
        head, tail, items = f"{indent}{prefix}{_flat(node.value, _ATOM)}[", f"]{suffix}", _indices(node)
        if len(items) == 1:  # a comma after it would make it a tuple
            return [head, inner + items[0], indent + tail]
        return _bracketed(head, items, tail, indent)
    if isinstance(node, ast.List | ast.Tuple) and node.elts:
        opening, closing = "[]" if isinstance(node, ast.List) else "()"
        comma = "," if len(node.elts) > 1 or opening == "(" else ""
        body = [line for element in node.elts for line in _layout(element, inner, "", comma)]
        return [f"{indent}{prefix}{opening}", *body, f"{indent}{closing}{suffix}"]
    if isinstance(node, ast.Dict):
        comma = "," if len(node.keys) > 1 else ""
        pairs = zip(node.keys, node.values, strict=True)
        body = [line for key, value in pairs if key for line in _layout(value, inner, f"{flat(key)}: ", comma)]
        return [f"{indent}{prefix}{{", *body, f"{indent}}}{suffix}"]
    if isinstance(node, ast.ListComp):
        head, tail = f"{indent}{prefix}[", f"{indent}]{suffix}"
        if len(inner) + len(text) - 2 <= WIDTH:
            return [head, inner + text[1:-1], tail]
        clauses = [line for generator in node.generators for line in _clause_layout(generator, inner)]
        return [head, *_layout(node.elt, inner, "", ""), *clauses, tail]
    if isinstance(node, ast.IfExp):
        own = _binding(node)
        return [
            *_layout(node.body, indent, prefix, "", own + 1),
            *_layout(node.test, indent, "if ", "", own + 1),
            *_layout(node.orelse, indent, "else ", suffix, own),
        ]
    if isinstance(node, ast.BinOp):
        return _exploded_operation(node, indent, prefix, suffix)
    return [indent + prefix + text + suffix]


def _exploded_call(node: ast.Call, indent: str, prefix: str, suffix: str) -> list[str]:
    inner = indent + "    "
    parts: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    head, tail = f"{indent}{prefix}{_flat(node.func, _ATOM)}(", f"{indent}){suffix}"
    joined = ", ".join(map(_part, parts))
    if len(inner) + len(joined) <= WIDTH:
        return [head, inner + joined, tail]
    comma = "," if len(parts) > 1 else ""
    return [head, *(line for part in parts for line in _part_layout(part, inner, comma)), tail]


def _exploded_operation(node: ast.BinOp, indent: str, prefix: str, suffix: str) -> list[str]:
    """One operand per line, each operator before its right operand."""
    level = _binding(node)
    if isinstance(node.op, ast.Pow):
        base, exponent = _layout(node.left, indent, prefix, "", level + 1), _BINDING[ast.USub]
        return [*base, *_layout(node.right, indent, "** ", suffix, exponent)]
    operands: list[tuple[str, ast.expr]] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and _binding(left) == level:
        operands.append((_SYMBOLS[type(left.op)] + " ", left.right))
        left = left.left
    operands.append((prefix, left))
    operands.reverse()
    lines: list[str] = []
    for position, (before, operand) in enumerate(operands):
        after = suffix if position == len(operands) - 1 else ""
        lines += _layout(operand, indent, before, after, level if position == 0 else level + 1)
    return lines


def _part(part: ast.expr | ast.keyword) -> str:
    return f"{part.arg}={flat(part.value)}" if isinstance(part, ast.keyword) else flat(part)


def _part_layout(part: ast.expr | ast.keyword, indent: str, comma: str) -> list[str]:
    if isinstance(part, ast.keyword):
        return _layout(part.value, indent, f"{part.arg}=", comma)
    return _layout(part, indent, "", comma)


def _clause(generator: ast.comprehension) -> str:
    return f"for {_flat_target(generator.target)} in {_flat(generator.iter, _BINDING[ast.Or])}"


def _clause_layout(generator: ast.comprehension, indent: str) -> list[str]:
    before = f"for {_flat_target(generator.target)} in "
    return _layout(generator.iter, indent, before, "", _BINDING[ast.Or])


def _flat(node: ast.expr, level: int) -> str:
    """One line; `level` is the binding strength that the surroundings need, below which parentheses are put."""
    text = _text(node)
    return f"({text})" if _binding(node) < level else text


def _text(node: ast.expr) -> str:
    """An expression on one line, without parentheses around it."""
    own = _binding(node)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    if isinstance(node, ast.Attribute):
        owner = _flat(node.value, _ATOM)
        return f"({owner}).{node.attr}" if owner.isdecimal() else f"{owner}.{node.attr}"
    if isinstance(node, ast.Call):
        arguments = [*map(_part, node.args), *map(_part, node.keywords)]
        return f"{_flat(node.func, _ATOM)}({', '.join(arguments)})"
    if isinstance(node, ast.Subscript):
        return f"{_flat(node.value, _ATOM)}[{', '.join(_indices(node))}]"
    if isinstance(node, ast.Tuple):
        comma = "," if len(node.elts) == 1 else ""
        return f"({', '.join(map(flat, node.elts))}{comma})"
    if isinstance(node, ast.List):
        return f"[{', '.join(map(flat, node.elts))}]"
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return f"{{{', '.join(f'{flat(key)}: {flat(value)}' for key, value in pairs if key)}}}"
    if isinstance(node, ast.ListComp):
        return f"[{flat(node.elt)} {' '.join(map(_clause, node.generators))}]"
    if isinstance(node, ast.JoinedStr):
        return f'f"{"".join(map(_field, node.values))}"'
    if isinstance(node, ast.Starred):
        return f"*{_flat(node.value, _ATOM)}"
    if isinstance(node, ast.BinOp):
        symbol = _SYMBOLS[type(node.op)]
        if isinstance(node.op, ast.Pow):
            joint = "**" if _simple(node.left) and _simple(node.right) else " ** "
            return f"{_flat(node.left, own + 1)}{joint}{_flat(node.right, _BINDING[ast.USub])}"
        return f"{_flat(node.left, own)} {symbol} {_flat(node.right, own + 1)}"
    if isinstance(node, ast.UnaryOp) and own < _ATOM:
        return f"{'not ' if isinstance(node.op, ast.Not) else '-'}{_flat(node.operand, own)}"
    if isinstance(node, ast.Compare):
        (operator,), (right,) = node.ops, node.comparators
        return f"{_flat(node.left, own + 1)} {_COMPARE[type(operator)]} {_flat(right, own + 1)}"
    if isinstance(node, ast.BoolOp):
        # `a and b or c` gets its parentheses too: few readers know which of the two binds tighter.
        word = " and " if isinstance(node.op, ast.And) else " or "
        return word.join(_flat(value, _BINDING[ast.And] + 1) for value in node.values)
    if isinstance(node, ast.IfExp):
        body, test = _flat(node.body, own + 1), _flat(node.test, own + 1)
        return f"{body} if {test} else {_flat(node.orelse, own)}"
    raise InternalError(f"{type(node).__name__} is not handled")


def _field(node: ast.expr) -> str:
    """A piece of a format string; literal pieces are parts of identifiers, which need no escapes."""
    if isinstance(node, ast.FormattedValue):
        return f"{{{flat(node.value)}}}"
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()):
        raise InternalError("a format string holds more than parts of names")
    return node.value


def _simple(node: ast.expr) -> bool:
    """Operands that `**` binds to without spaces."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and not isinstance(node.value, str))


def _indices(node: ast.Subscript) -> list[str]:
    index = node.slice
    return [_subscript(each) for each in (index.elts if isinstance(index, ast.Tuple) and index.elts[1:] else [index])]


def _subscript(node: ast.expr) -> str:
    if not isinstance(node, ast.Slice):
        return flat(node)
    bounds = [bound for bound in (node.lower, node.upper, node.step) if bound is not None]
    space = "" if all(_simple(bound) for bound in bounds) else " "
    lower = flat(node.lower) + space if node.lower else ""
    upper = space + flat(node.upper) if node.upper else ""
    step = f"{space if node.upper else ''}:{space}{flat(node.step)}" if node.step else ""
    return f"{lower}:{upper}{step}"


def _constant(value: object) -> str:
    """A literal; strings in ASCII, in double quotes unless that would escape more."""
    if isinstance(value, str):
        quote = "'" if value.count('"') > value.count("'") else '"'
        return quote + value.encode("unicode_escape").decode("ascii").replace(quote, "\\" + quote) + quote
    return "..." if value is ... else repr(value)
