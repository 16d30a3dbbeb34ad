"""Shape patterns: signatures bind dimensions with them, `expect` and right-hand sides check with them."""

from collections.abc import Callable as Function

from archdsl.elaborate.arithmetic import same
from archdsl.elaborate.evaluate import Evaluator
from archdsl.elaborate.values import UNKNOWN, Scope, Static, Unknown, is_list, show
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.types.dims import Dim, Expr, symbols
from archdsl.types.tensor import TensorType, shape_text


class Mismatch:
    """Why a type does not match a pattern: a sentence and the place in the pattern."""

    def __init__(self, reason: str, span: Span, undecided: frozenset[str] = frozenset()) -> None:
        self.reason = reason
        self.span = span
        self.undecided = undecided


def match(
    evaluator: Evaluator,
    pattern: ast.ShapePattern,
    type: TensorType,
    scope: Scope,
    is_free: Function[[str], bool],
) -> Mismatch | Unknown | None:
    """Match a type against a pattern, binding in `scope` the names for which `is_free` holds.

    None when it matches, UNKNOWN when the pattern itself is wrong (reported), else the mismatch.
    """
    items, dims = pattern.dims, type.dims
    rests = [index for index, item in enumerate(items) if isinstance(item, ast.Rest)]
    if len(dims) < len(items) - len(rests) or (not rests and len(dims) != len(items)):
        least = "at least " if rests else ""
        return Mismatch(f"{least}{_axes(len(items) - len(rests))} expected, {len(dims)} found", pattern.span)
    skipped = 0
    for index, item in enumerate(items):
        if isinstance(item, ast.Rest):
            skipped = len(dims) - len(items)
            found = _match_rest(item, dims[index : index + skipped + 1], scope, is_free)
        else:
            found = _match_one(evaluator, item, dims[index + skipped], scope, is_free)
        if found is not None:
            return found
    return None


def _match_rest(
    rest: ast.Rest, middle: tuple[Dim, ...], scope: Scope, is_free: Function[[str], bool]
) -> Mismatch | None:
    if rest.name is None:
        return None
    if is_free(rest.name.id):
        scope.names[rest.name.id] = Static(middle)
        return None
    bound = scope.lookup(rest.name.id)
    value = bound.value if isinstance(bound, Static) else None
    if is_list(value) and same(value, middle) is True:
        return None
    return Mismatch(f"`...{rest.name.id}` is {show(value)}, found {shape_text(middle)}", rest.span)


def _match_one(
    evaluator: Evaluator,
    item: ast.Expr | ast.Wildcard,
    dim: Dim,
    scope: Scope,
    is_free: Function[[str], bool],
) -> Mismatch | Unknown | None:
    if isinstance(item, ast.Wildcard):
        return None
    if isinstance(item, ast.Name) and is_free(item.id):
        scope.names[item.id] = Static(dim)
        return None
    value = evaluator.evaluate(item, scope)
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, bool) or not isinstance(value, (int, Expr)):
        return Mismatch(f"`{item.span.text}` is {show(value)}, which is not a dimension", item.span)
    decided = same(value, dim)
    if decided:
        return None
    text = item.span.text
    expected = f"{value}" if text == str(value) else f"{text} = {value}"
    if decided is None:
        free = frozenset(symbols(value) | symbols(dim))
        return Mismatch(f"{expected} is expected and {dim} found: equal only for some values", item.span, free)
    return Mismatch(f"expected {expected}, found {dim}", item.span)


def _axes(count: int) -> str:
    return f"{count} dimension{'s' * (count != 1)}"
