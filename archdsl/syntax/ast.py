"""The syntax tree: what the author wrote, with a span on everything, before any name is looked up.

Nodes are never mutated after the parser made them; identity is equality. They are records, without `__eq__` or
`__repr__`: comparing and printing trees recursively is a trap.
"""

from archdsl.records import record
from archdsl.source import Source, Span

# ---------------------------------------------------------------------------------------------------- expressions


@record
class Int:
    """`25_557_032`, `64K`, `25.6M` when the suffix makes it whole. `value` is exact."""

    value: int
    span: Span


@record
class Float:
    value: float
    span: Span


@record
class Bool:
    value: bool
    span: Span


@record
class NoneLiteral:
    span: Span


@record
class String:
    """`"layer{i + 1}"`: literal text and interpolated expressions in order. `{{` and `}}` stand for braces."""

    parts: "list[str | Expr]"
    span: Span


@record
class Name:
    id: str
    span: Span


@record
class ListExpr:
    items: "list[Expr]"
    span: Span


@record
class TupleExpr:
    items: "list[Expr]"
    span: Span


@record
class Arithmetic:
    """A chain of operators of one precedence level, evaluated left to right: `a + b - c`, `a * b // c % d`, and
    `a ** b` (which groups to the right: its parser nests it). `operators[i]` stands before `operands[i +
    1]`."""

    operands: "list[Expr]"
    operators: list[str]
    span: Span


@record
class Comparison:
    """`a < b <= c`; operators are `== != < <= > >=`."""

    operands: "list[Expr]"
    operators: list[str]
    span: Span


@record
class Boolean:
    """`a and b and c` or `a or b or c`."""

    operator: str
    operands: "list[Expr]"
    span: Span


@record
class Not:
    operand: "Expr"
    span: Span


@record
class Negative:
    operand: "Expr"
    span: Span


@record
class Conditional:
    """`then if condition else otherwise`. `a if p else b if q else c` nests in `otherwise`."""

    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"
    span: Span


@record
class Range:
    """`0..n`, half open."""

    start: "Expr"
    stop: "Expr"
    span: Span


@record
class Index:
    base: "Expr"
    index: "Expr"
    span: Span


@record
class Attribute:
    """`tokens.weight`, `stem.params`."""

    base: "Expr"
    name: Name
    span: Span


@record
class Argument:
    """One argument of a call: positional (`name` is None), `name = value`, or `!name` (`value` is None).

    `causal` alone is a positional argument holding a `Name`; whether it means `causal = true` is decided when
    the callee is known.
    """

    name: Name | None
    value: "Expr | None"
    span: Span


@record
class CallExpr:
    """`min(a, b)`, `transpose(encode.weight)`, or a block with some arguments given: `conv(64, 1)`."""

    callee: Name
    arguments: list[Argument]
    span: Span


@record
class MatchArm:
    """`18 | 34 => value`; `patterns` is empty for the catch-all `_ => value`."""

    patterns: "list[Expr]"
    value: "Expr"
    span: Span


@record
class Match:
    subject: "Expr"
    arms: list[MatchArm]
    span: Span


Expr = (
    Int
    | Float
    | Bool
    | NoneLiteral
    | String
    | Name
    | ListExpr
    | TupleExpr
    | Arithmetic
    | Comparison
    | Boolean
    | Not
    | Negative
    | Conditional
    | Range
    | Index
    | Attribute
    | CallExpr
    | Match
)

# ----------------------------------------------------------------------------------------------------------- flow


@record
class Apply:
    """A step that names something: a tensor (at the head of a flow), a block, an operator or a shared instance.

    `arguments` is None when the parentheses were left out. `branches` holds the `|`-separated bodies of the
    braces that follow, None without braces: fan-out for an operator, trailing block arguments for a block.
    `label` is the string after `as`.
    """

    callee: Name
    arguments: list[Argument] | None
    branches: "list[Body] | None"
    label: String | None
    span: Span


@record
class FanOutFor:
    """`concat for maps in table { select(maps) -> conv(1, 5) }`: one branch per element."""

    callee: Name
    arguments: list[Argument] | None
    targets: list[Name]
    iterable: Expr
    body: "Body"
    label: String | None
    span: Span


@record
class TupleStep:
    """`[a, b]`: flows that each start from the current value, gathered into a tuple."""

    flows: "list[Flow]"
    label: String | None
    span: Span


@record
class Group:
    """`{ ... }` inside a flow: statements grouped in a lexical scope of their own, no module scope."""

    body: "Body"
    label: String | None
    span: Span


@record
class Recompute:
    """`recompute { ... }`: a group whose intermediate values training computes again instead of keeping them;
    `recompute if e { ... }` where `e` holds, and a plain group where it does not."""

    condition: "Expr | None"
    body: "Body"
    label: String | None
    span: Span


Step = Apply | FanOutFor | TupleStep | Group | Recompute


@record
class Flow:
    """`a -> b -> c`; never empty."""

    steps: list[Step]
    span: Span


# ----------------------------------------------------------------------------------------------------- statements


@record
class FlowStatement:
    flow: Flow
    span: Span


@record
class Bind:
    """`n = flow`, `q, k, v = flow`."""

    targets: list[Name]
    flow: Flow
    span: Span


@record
class Let:
    """`let a = expr`, `let a, b = expr`; a statement and an item."""

    targets: list[Name]
    value: Expr
    span: Span


@record
class Default:
    """`default conv(!bias), bn(eps = 1e-3)`; a statement and an item. Each entry is a call whose arguments
    become defaults."""

    calls: list[CallExpr]
    span: Span


@record
class For:
    targets: list[Name]
    iterable: Expr
    body: "Body"
    span: Span


@record
class Repeat:
    count: Expr
    body: "Body"
    span: Span


@record
class If:
    """`arms` holds (condition, body) of `if` and each `else if`; `otherwise` the body of the last `else`."""

    arms: "list[tuple[Expr, Body]]"
    otherwise: "Body | None"
    span: Span


@record
class Shared:
    """`shared enc = f(args) { ... }`: one instance; `application` carries callee, arguments and braces, no label."""

    name: Name
    application: Apply
    span: Span


@record
class Rest:
    """`...S` (binds the remaining dimensions) or `...` (`name` is None)."""

    name: Name | None
    span: Span


@record
class Wildcard:
    """`_` in a shape pattern."""

    span: Span


@record
class ShapePattern:
    """`[N, c, ...S]`, `[N, _, 7, 7]`, `[N, c + n*k, ...S]`. At most one `Rest`."""

    dims: "list[Expr | Rest | Wildcard]"
    span: Span


@record
class Input:
    """`input image: f32[N, 3, 224, 224]`."""

    name: Name
    dtype: Name
    shape: ShapePattern
    span: Span


@record
class Output:
    """`output y`, `output aux(train) = flow`."""

    name: Name
    modifiers: list[Name]
    flow: Flow | None
    span: Span


@record
class Expect:
    """`expect [N, _, 7, 7]`; several patterns for a tuple: `expect [N, T, d], [N, T, d]`."""

    patterns: list[ShapePattern]
    span: Span


@record
class Require:
    condition: Expr
    message: String | None
    span: Span


Statement = FlowStatement | Bind | Let | Default | For | Repeat | If | Shared | Input | Output | Expect | Require


@record
class Body:
    """The statements between braces (or of one `|`-separated branch; an empty branch has none)."""

    statements: list[Statement]
    span: Span


# ---------------------------------------------------------------------------------------------------------- items


@record
class Parameter:
    """`n`, `n = default`, `n: type = default`, `n: 18 | 34 = 18`, `flag bottleneck`.

    `type` is the type's name or None; `choices` the alternatives, empty when there are none. A flag has type
    `bool` and default false.
    """

    name: Name
    type: Name | None
    choices: list[Expr]
    default: Expr | None
    is_flag: bool
    span: Span


@record
class SignatureInput:
    """`q: [N, T, d]`; `name` is None for the single unnamed input."""

    name: Name | None
    shape: ShapePattern
    span: Span


@record
class Signature:
    inputs: list[SignatureInput]
    outputs: list[ShapePattern]
    span: Span


@record
class Block:
    name: Name
    parameters: list[Parameter]
    signature: Signature | None
    body: Body
    doc: str
    span: Span


@record
class Model:
    name: Name
    parameters: list[Parameter]
    body: Body
    doc: str
    span: Span


@record
class Preset:
    """`model resnet50 = resnet(depth = 50)`."""

    name: Name
    base: CallExpr
    doc: str
    span: Span


@record
class Import:
    """One entry of a `use`: `a` or `b as c`."""

    name: Name
    alias: Name | None


@record
class Use:
    """`use "file.arch" (a, b as c)` (`path` is the string's text) or `use std.vision (mbconv)` (`module` is
    `std.vision`)."""

    path: str | None
    module: str | None
    imports: list[Import]
    target: Span
    span: Span


@record
class Check:
    """One line of a test.

    kind `expr`: `left` is a bool expression. kind `round`: `left ~ right`, `right` a number literal whose
    written digits (its span's text) decide the rounding. kind `within`: `left within tolerance% of right`.
    """

    kind: str
    left: Expr
    right: Expr | None
    tolerance: float
    citation: str
    span: Span


@record
class Test:
    """`test resnet(depth = 50) { ... }`."""

    target: CallExpr
    checks: list[Check]
    doc: str
    span: Span


Item = Use | Let | Default | Block | Model | Preset | Test


@record
class File:
    source: Source
    items: list[Item]
