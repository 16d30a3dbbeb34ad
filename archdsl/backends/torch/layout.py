"""Syntax trees to text, laid out as `ruff format` lays code out at its default width of 88.

Only the constructs that the PyTorch backend builds are handled; anything else is an `AssertionError`, because it is
a bug of the backend. `render` parses its own result and compares it with the tree it was given, so no name, label
or doc comment can become code: text reaches the output through string constants and comments alone.

The rules, in the order in which they are tried: a statement that fits stays on one line; the outermost bracket
breaks first; the arguments of a call move to one indented line if they fit there, else to one line each with a
trailing comma; displays go to one line per element at once; a conditional expression is put in parentheses."""

import ast
import sys
from collections.abc import Mapping, Sequence

WIDTH = 88

_BINARY: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 10),
    ast.Sub: ("-", 10),
    ast.Mult: ("*", 11),
    ast.Div: ("/", 11),
    ast.FloorDiv: ("//", 11),
    ast.Mod: ("%", 11),
    ast.MatMult: ("@", 11),
    ast.Pow: ("**", 13),
}
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_CONDITIONAL, _BOOLEAN, _NOT, _COMPARISON, _UNARY, _ATOM = 1, 3, 5, 6, 12, 20


def render(
    tree: ast.Module, comments: Mapping[ast.stmt, str] | None = None, verbatim: Mapping[ast.stmt, str] | None = None
) -> str:
    """The text of a module. `comments` go at the end of a statement's last line; a statement in `verbatim` is our
    own text (a helper that an operator declares) and is printed as it stands."""
    lines: list[str] = []
    _block(tree.body, "", lines, comments or {}, verbatim or {}, top=True)
    text = "\n".join(lines) + "\n"
    again = ast.parse(text)
    assert ast.dump(again) == ast.dump(tree), "the printed source does not say what the tree says"
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
            lines.extend(_layout(node.value, indent, "", ""))
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
        lines.append(f"{indent}if {flat(node.test)}:")
        _block(node.body, inner, lines, comments, verbatim)
        assert not node.orelse
    elif isinstance(node, ast.For):
        lines.extend(_layout(node.iter, indent, f"for {_flat_target(node.target)} in ", ":"))
        _block(node.body, inner, lines, comments, verbatim)
    elif isinstance(node, ast.ClassDef):
        lines.append(f"{indent}class {node.name}({', '.join(map(flat, node.bases))}):")
        body = node.body
        if _is_docstring(body[0]) and len(body) > 1:
            lines.extend(_docstring(body[0].value.value, inner))  # type: ignore[attr-defined]
            lines.append("")
            body = body[1:]
        _block(body, inner, lines, comments, verbatim)
    else:
        assert isinstance(node, ast.FunctionDef), type(node)
        lines.extend(_signature(node, indent))
        _block(node.body, inner, lines, comments, verbatim)
    if node in comments:
        lines[-1] += f"  # {comments[node]}"


def _alias(name: ast.alias) -> str:
    return f"{name.name} as {name.asname}" if name.asname else name.name


def _flat_target(target: ast.expr) -> str:
    return ", ".join(map(flat, target.elts)) if isinstance(target, ast.Tuple) else flat(target)


def _signature(node: ast.FunctionDef, indent: str) -> list[str]:
    arguments = [argument.arg for argument in node.args.args]
    for offset, default in enumerate(node.args.defaults, len(arguments) - len(node.args.defaults)):
        arguments[offset] += f"={flat(default)}"
    if node.args.vararg is not None:
        arguments.append(f"*{node.args.vararg.arg}")
    head = f"{indent}def {node.name}("
    return _bracketed(head, arguments, "):", indent)


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


def _top(node: ast.expr, indent: str, prefix: str) -> list[str]:
    """An expression that is the whole right-hand side of a statement, where parentheses may be added."""
    if isinstance(node, ast.Tuple):
        bare = len(node.elts) > 1 and not any(isinstance(each, ast.Starred) for each in node.elts)
        text = _flat_target(node) if bare else flat(node)
        if len(indent) + len(prefix) + len(text) <= WIDTH:
            return [indent + prefix + text]
    if isinstance(node, ast.IfExp | ast.BinOp) and len(indent) + len(prefix) + len(flat(node)) > WIDTH:
        inner = indent + "    "
        text = flat(node)
        if len(inner) + len(text) <= WIDTH:
            return [f"{indent}{prefix}(", inner + text, indent + ")"]
        return [f"{indent}{prefix}(", *_layout(node, inner, "", ""), indent + ")"]
    return _layout(node, indent, prefix, "")


def _layout(node: ast.expr, indent: str, prefix: str, suffix: str) -> list[str]:
    """Lines of `prefix expression suffix`; the first starts at `indent`."""
    text = flat(node)
    if len(indent) + len(prefix) + len(text) + len(suffix) <= WIDTH:
        return [indent + prefix + text + suffix]
    inner = indent + "    "
    if isinstance(node, ast.Starred):
        return _layout(node.value, indent, prefix + "*", suffix)
    if isinstance(node, ast.Call) and (node.args or node.keywords):
        return _exploded_call(node, indent, prefix, suffix)
    if isinstance(node, ast.Subscript):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _bracketed(
            f"{indent}{prefix}{_flat(node.value, _ATOM)}[", list(map(_subscript, items)), f"]{suffix}", indent
        )
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
        return [
            *_layout(node.body, indent, prefix, ""),
            *_layout(node.test, indent, "if ", ""),
            *_layout(node.orelse, indent, "else ", suffix),
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
    level = _BINARY[type(node.op)][1]
    operands: list[tuple[str, ast.expr]] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and _BINARY[type(left.op)][1] == level:
        operands.append((_BINARY[type(left.op)][0] + " ", left.right))
        left = left.left
    operands.append((prefix, left))
    operands.reverse()
    lines: list[str] = []
    for position, (before, operand) in enumerate(operands):
        after = suffix if position == len(operands) - 1 else ""
        needed = level if position == 0 else level + 1
        text = _flat(operand, needed)
        plain = text == flat(operand)
        lines += _layout(operand, indent, before, after) if plain else [indent + before + text + after]
    return lines


def _part(part: ast.expr | ast.keyword) -> str:
    return f"{part.arg}={flat(part.value)}" if isinstance(part, ast.keyword) else flat(part)


def _part_layout(part: ast.expr | ast.keyword, indent: str, comma: str) -> list[str]:
    if isinstance(part, ast.keyword):
        return _layout(part.value, indent, f"{part.arg}=", comma)
    return _layout(part, indent, "", comma)


def _clause(generator: ast.comprehension) -> str:
    return f"for {_flat_target(generator.target)} in {flat(generator.iter)}"


def _clause_layout(generator: ast.comprehension, indent: str) -> list[str]:
    return _layout(generator.iter, indent, f"for {_flat_target(generator.target)} in ", "")


def _flat(node: ast.expr, level: int) -> str:
    """One line; `level` is the binding strength that the surroundings need, below which parentheses are put."""
    text, own = _text(node)
    return f"({text})" if own < level else text


def _text(node: ast.expr) -> tuple[str, int]:
    if isinstance(node, ast.Name):
        return node.id, _ATOM
    if isinstance(node, ast.Constant):
        return _constant(node.value), _ATOM
    if isinstance(node, ast.Attribute):
        return f"{_flat(node.value, _ATOM)}.{node.attr}", _ATOM
    if isinstance(node, ast.Call):
        arguments = [*map(_part, node.args), *map(_part, node.keywords)]
        return f"{_flat(node.func, _ATOM)}({', '.join(arguments)})", _ATOM
    if isinstance(node, ast.Subscript):
        index = node.slice
        items = index.elts if isinstance(index, ast.Tuple) and index.elts else [index]
        return f"{_flat(node.value, _ATOM)}[{', '.join(map(_subscript, items))}]", _ATOM
    if isinstance(node, ast.Tuple):
        comma = "," if len(node.elts) == 1 else ""
        return f"({', '.join(map(flat, node.elts))}{comma})", _ATOM
    if isinstance(node, ast.List):
        return f"[{', '.join(map(flat, node.elts))}]", _ATOM
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return f"{{{', '.join(f'{flat(key)}: {flat(value)}' for key, value in pairs if key)}}}", _ATOM
    if isinstance(node, ast.ListComp):
        return f"[{flat(node.elt)} {' '.join(map(_clause, node.generators))}]", _ATOM
    if isinstance(node, ast.JoinedStr):
        return f'f"{"".join(map(_field, node.values))}"', _ATOM
    if isinstance(node, ast.Starred):
        return f"*{_flat(node.value, _ATOM)}", _ATOM
    return _operation(node)


def _operation(node: ast.expr) -> tuple[str, int]:
    if isinstance(node, ast.BinOp):
        symbol, level = _BINARY[type(node.op)]
        if symbol == "**":
            tight = _simple(node.left) and _simple(node.right)
            joint = "**" if tight else " ** "
            return f"{_flat(node.left, level + 1)}{joint}{_flat(node.right, _UNARY)}", level
        return f"{_flat(node.left, level)} {symbol} {_flat(node.right, level + 1)}", level
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            return f"not {_flat(node.operand, _NOT)}", _NOT
        assert isinstance(node.op, ast.USub)
        return f"-{_flat(node.operand, _UNARY)}", _UNARY
    if isinstance(node, ast.Compare):
        (operator,), (right,) = node.ops, node.comparators
        left = _flat(node.left, _COMPARISON + 1)
        return f"{left} {_COMPARE[type(operator)]} {_flat(right, _COMPARISON + 1)}", _COMPARISON
    if isinstance(node, ast.BoolOp):
        word = " and " if isinstance(node.op, ast.And) else " or "
        return word.join(_flat(value, _BOOLEAN + 1) for value in node.values), _BOOLEAN
    assert isinstance(node, ast.IfExp), type(node)
    body, test = _flat(node.body, _CONDITIONAL + 1), _flat(node.test, _CONDITIONAL + 1)
    return f"{body} if {test} else {_flat(node.orelse, _CONDITIONAL)}", _CONDITIONAL


def _field(node: ast.expr) -> str:
    """A piece of a format string; literal pieces are parts of identifiers, which need no escapes."""
    if isinstance(node, ast.FormattedValue):
        return f"{{{flat(node.value)}}}"
    assert isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    return node.value


def _simple(node: ast.expr) -> bool:
    """Operands that `**` binds to without spaces."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and not isinstance(node.value, str))


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
    return repr(value)
