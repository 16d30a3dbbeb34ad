"""What to write instead: an author's own call mended, for mistakes that elaboration finds. Read only after one.

Calls are looked at as text, because what is wrong about them may be that they were no call. What is found is a help
and, where nothing else can have been meant, the edits.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from archdsl.diagnostics.model import Edit
from archdsl.elaborate.report import MAX_SUGGESTIONS, Reporter, foreign_argument, nearest
from archdsl.elaborate.values import BLOCKS, Tensor, is_list
from archdsl.ops import catalogue
from archdsl.ops.synonyms import AMBIGUOUS, ARGUMENTS, DTYPES, FUNCTIONS, MEANINGS, SYNONYMS, VALUES
from archdsl.records import record
from archdsl.source import Source, Span
from archdsl.syntax import ast
from archdsl.syntax.foreign import LAYERS, MODULES, rewritten, split
from archdsl.types.tensor import TensorType

Advice = tuple[str, tuple[Edit, ...]]
NOTHING: Advice = ("", ())
_LONGEST = 2_000
"""Characters of a call that is looked at, and of the text before it."""
_REPEATED = 100
"""Characters of an author's text that a help repeats."""


@record
class WrittenCall:
    """`name(inside)`, or `name` alone, in a source: from `start` to `end`."""

    source: Source
    name: str
    inside: str | None
    start: int
    end: int

    @property
    def arguments(self) -> list[tuple[str, str]]:
        return split(self.inside or "")

    @property
    def before(self) -> str:
        """The statement up to the call."""
        text = self.source.text[max(0, self.start - _LONGEST) : self.start]
        return re.split(r"[;{}]|(?<!->)\n(?!\s*->)", text)[-1].strip()

    @property
    def is_step(self) -> bool:
        """Whether it is a step of a flow and not part of an expression."""
        before = self.before
        declares = re.match(r"(let|default|require|for|if|repeat|use|test)\b", before)
        return not declares and before.count("(") == before.count(")")

    @property
    def starts_flow(self) -> bool:
        return self.is_step and (not self.before or self.before.endswith(("=", "|", "[")))

    def written(self, arguments: Iterable[str]) -> str:
        """The call with other arguments."""
        given = ", ".join(arguments)
        return f"{self.name}({given})" if given else self.name

    def mended(self, text: str, certain: bool, help: str = "write `{}`") -> Advice:
        """Advice to write another text for the whole call."""
        if not text or len(text) > _REPEATED or not text.isprintable():
            return NOTHING
        edits = (Edit(Span(self.source, self.start, self.end), text),) if certain else ()
        return help.format(text), edits


def call_at(span: Span) -> WrittenCall:
    """The call whose name stands at a span; without arguments if no parenthesis follows."""
    text, start = span.source.text, span.start
    opens = span.end
    if text[opens : opens + 1] != "(":
        return WrittenCall(span.source, span.text, None, start, span.end)
    depth = 0
    for at in range(opens, min(len(text), opens + _LONGEST)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return WrittenCall(span.source, span.text, text[opens + 1 : at], start, at + 1)
    return WrittenCall(span.source, span.text, None, start, span.end)


def call_around(span: Span) -> WrittenCall | None:
    """The call that has its argument at a span."""
    text, depth = span.source.text, 0
    for at in range(span.start - 1, max(-1, span.start - _LONGEST), -1):
        depth += (text[at] in ")]}") - (text[at] in "([{")
        if depth < 0:
            name = re.search(r"[A-Za-z_]\w*$", text[:at][-100:]) if text[at] == "(" else None
            return name and call_at(Span(span.source, at - len(name[0]), at))
    return None


# ------------------------------------------------------------------------------------------------- names of nothing


def unknown_name(report: Reporter, span: Span, name: str, visible: set[str], is_step: bool) -> Advice:
    """What a name without a meaning may have meant."""
    report.suggestions += 1
    if report.suggestions > MAX_SUGGESTIONS or span.text != name:
        return NOTHING
    call = call_at(span)
    if name in FUNCTIONS and (found := _function(call)):
        return found
    if name in MODULES and (dotted := re.match(r"(\w+\.)+\w+", span.source.text[span.start : span.start + 100])):
        step, exact = rewritten(dotted[0])
        if step and "->" not in step:
            place = Span(span.source, span.start, span.start + dotted.end())
            return f"write `{step}`", (Edit(place, step),) if exact else ()
    if name in VALUES and not is_step:
        return f"write `{VALUES[name]}`", (Edit(span, VALUES[name]),)
    if name in MEANINGS:
        return MEANINGS[name], ()
    several = AMBIGUOUS.get(name.lower()) if name.lower() not in {word.lower() for word in visible} else None
    if several and not call.inside:
        return "did you mean " + " or ".join(f"`{word}`" for word in several) + "?", ()
    if name in LAYERS or name == "Sequential":
        step, exact = rewritten(span.source.text[call.start : call.end])
        if step and (is_step or "->" not in step):
            certain = exact and (not is_step or call.is_step)
            return call.mended(step, certain, "here it is written `{}`")
    if found := _bound_elsewhere(span, name):
        return found, ()
    if several:
        return "did you mean " + " or ".join(f"`{word}({call.inside})`" for word in several) + "?", ()
    report.suggestions -= 1
    help, edits = report.misspelt(name, span, visible)
    if name in LAYERS or (call.inside and SYNONYMS.get(name.lower()) in ("batch_norm", "layer_norm", "resize")):
        edits = ()
    return help, edits


def _function(call: WrittenCall) -> Advice | None:
    """A function of Python in an expression."""
    given = [text for _, text in call.arguments]
    if call.name == "range" and len(given) in (1, 2):
        return call.mended(f"{given[0]}..{given[1]}" if len(given) == 2 else f"0..{given[0]}", True, "count with `{}`")
    if call.name == "range":
        return "write `0..n` to count", ()
    if call.name == "enumerate" and len(given) == 1:
        return f"count, and take the element: `for i in 0..len({given[0]}) {{ let item = {given[0]}[i]; ... }}`", ()
    if call.name == "zip" and len(given) > 1:
        taken = ", ".join(f"{each}[i]" for each in given)
        return f"count, and take the elements: `for i in 0..len({given[0]}) {{ let a, b = ({taken}); ... }}`", ()
    if call.name == "int" and len(given) == 1:
        parts = re.fullmatch(r"(.+?)\s*(?<!/)/(?!/)\s*(.+)", given[0])
        if parts:
            return call.mended(f"{parts[1]} // {parts[2]}", False, "a quotient is rounded down by `{}`")
        return call.mended(f"floor({given[0]})", False, "a float is rounded by `{}`, or by `ceil` and `round`")
    if call.name == "float" and len(given) == 1:
        return call.mended(f"1.0 * {given[0]}", False, "a float comes of `{}`")
    if call.name == "str" and len(given) == 1 and given[0].isidentifier():
        return call.mended(f'"{{{given[0]}}}"', True, "a string with a value in it is `{}`".replace("{}", "{0}"))
    if call.name == "abs" and len(given) == 1 and given[0].isidentifier():
        return call.mended(f"max({given[0]}, -{given[0]})", False)
    return None


def _bound_elsewhere(span: Span, name: str) -> str:
    """Where a name is bound that is not seen where it is used."""
    text = span.source.text
    start = max(text.rfind("\nblock ", 0, span.start), text.rfind("\nmodel ", 0, span.start), 0)
    ends = [at for word in ("\nblock ", "\nmodel ", "\ntest ") if (at := text.find(word, span.start)) > 0]
    item = text[start : min(ends, default=len(text))]
    found = re.search(rf"\bas\s+{name}\b|(?:^|[;{{|])[ \t]*{name}\s*=(?!=)|\blet\s+{name}\b", item, re.MULTILINE)
    if found is None:
        return ""
    at = start + found.end()
    line = span.source.line_column(at)[0]
    if at > span.start:
        return f"`{name}` gets its value further down, on line {line}: move that before this line"
    what = "a label" if found[0].startswith("as") else "bound"
    return f"`{name}` is {what} inside braces on line {line} and not seen outside: give it its name where both see it"


# -------------------------------------------------------------------------------------------------------- arguments


def tensor_argument(span: Span, is_tensor: Callable[[str], bool]) -> Advice:
    """`conv(x, 8, 3)`, `add(a, b)`, `concat([a, b])`: what flows in was written as an argument."""
    call = call_around(span)
    if call is None:
        return NOTHING
    fed: list[str] = []
    rest = call.arguments
    while rest and not rest[0][0] and is_tensor(rest[0][1]):
        fed.append(rest.pop(0)[1])
    step = call.written([f"{name} = {text}" if name else text for name, text in rest])
    if not fed or any(is_tensor(text) for _, text in rest):
        return "what flows in stands before a step: `x -> relu`, several tensors as `[a, b] -> add`", ()
    operator = catalogue.lookup(call.name)
    if not call.starts_flow and operator is not None and operator.arities() is None and not rest:
        mended = f"{call.name} {{ id | {' | '.join(fed)} }}"
        return call.mended(mended, call.is_step, "a branch for each: `{}`")
    flow = fed[0] if len(fed) == 1 else f"[{', '.join(fed)}]"
    return call.mended(f"{flow} -> {step}", call.starts_flow, "what flows in stands before a step: `{}`")


def number_merged(span: Span) -> Advice:
    """`mul(0.5)`, `mean([2, 3])`: a merge of branches takes no numbers."""
    call = call_around(span)
    if call is None or call.inside is None or len(call.arguments) != 1:
        return NOTHING
    given, operator = call.inside.strip(), catalogue.lookup(call.name)
    if operator is None or operator.arities() is not None:
        return NOTHING
    if call.name in ("mean", "max") and (given[:1] == "[" or call.name == "mean"):
        return call.mended(
            f"reduce_{call.name}({given})", True, f"`{call.name}` merges branches; over axes it is `{{}}`"
        )
    if re.fullmatch(r"-?[\d._]+(e-?\d+)?", given):
        mended = f"{call.name} {{ id | constant({given}) }}"
        return call.mended(mended, call.is_step and call.name in ("add", "sub", "mul", "div"))
    return NOTHING


def nested_call(span: Span) -> Advice:
    """`relu(conv(8, 3))`: the inner step stands first."""
    call = call_around(span)
    if call is None or len(call.arguments) != 1:
        return NOTHING
    return call.mended(f"{call.arguments[0][1]} -> {call.name}", call.is_step, "the inner step stands first: `{}`")


def numbers_listed(span: Span) -> Advice:
    """`permute(0, 2, 3, 1)`: several numbers are one list."""
    call = call_around(span)
    if call is None or call.inside is None or any(name for name, _ in call.arguments):
        return NOTHING
    return call.mended(f"{call.name}([{call.inside.strip()}])", True, "several numbers are one list: `{}`")


def step_argument(span: Span, step: str) -> Advice:
    """`conv(8, 3, activation = relu)`: a step among the arguments of another."""
    call = call_around(span)
    if call is None or not (rest := _without(call, span)) or not re.match(r"\w+(\(.*\))?$", step):
        return NOTHING
    follows = call.source.text[call.end : call.end + 20].lstrip()
    certain = call.is_step and not re.match(r"as\b|\{", follows)
    return call.mended(f"{rest} -> {step}", certain, "a step of its own: `{}`")


def leave_out(span: Span, why: str) -> Advice:
    """An argument that has no meaning here."""
    call = call_around(span)
    mended = _without(call, span) if call else ""
    if call is None or not mended:
        return why, ()
    return call.mended(mended, True, f"{why}: `{{}}`")


def _without(call: WrittenCall, span: Span) -> str:
    """The call without the argument that starts at a span."""
    offset = span.start - (call.start + len(call.name) + 1)
    kept: list[str] = []
    position, inside = 0, call.inside or ""
    for name, text in call.arguments:
        written = inside.find(name or text, position)
        end = inside.find(text, written) + len(text)
        if not written <= offset < max(end, written + 1):
            kept.append(f"{name} = {text}" if name else text)
        position = end
    return call.written(kept) if len(kept) == len(call.arguments) - 1 else ""


def sizes_read_off(span: Span, callee: str) -> Advice:
    """`linear(2048, 10)`: the size of the input, which is read off it."""
    call = call_around(span)
    given = call.arguments if call else []
    if call is None or callee != "linear" or len(given) < 2 or given[0][0] or given[1][0]:
        return NOTHING
    rest = [f"{name} = {text}" if name else text for name, text in given[1:]]
    return call.mended(call.written(rest), len(given) == 2, "the size of the input is read off it: `{}`")


def word(name: str, words: Sequence[str], value: str, span: Span) -> Advice:
    """`padding = valid`, `padding = "SAME"`, `mode = Bilinear`: words of a parameter, written as elsewhere."""
    start = span.text.rfind(value)
    quoted = span.text[start - 1 : start] in ("'", '"')
    place = Span(span.source, span.start + start - quoted, span.start + start + len(value) + quoted)
    if "same" in words and value.lower() == "valid":
        return f"no padding is a number: `{name} = 0`", (Edit(place, "0"),)
    meant = next((each for each in words if each.lower() == value.lower()), "") or nearest(value, words)
    if not meant:
        return NOTHING
    certain = meant.lower() == value.lower() and start >= 0
    return f"write `{name} = {meant}`", (Edit(place, meant),) if certain else ()


def argument_word(argument: "tuple[str, str, Sequence[str], ast.Argument] | None", name: ast.Name) -> Advice:
    """A name that stands for nothing, in the argument of a step: one of the words that it takes, or a step."""
    if argument is None:
        return NOTHING
    _, parameter, words, written = argument
    if name.id in words:
        # A bare word is the whole argument; inside an expression words are strings.
        return f'a word in an expression stands in quotes: `"{name.id}"`', (Edit(name.span, f'"{name.id}"'),)
    if words and written.value is name and (found := word(parameter, words, name.id, written.span))[0]:
        return found
    ours = nearest(name.id, catalogue.names()) if name.id.lower() in _steps() else None
    if ours is not None and written.value is name:
        return step_argument(written.span, ours)
    return NOTHING


def _steps() -> set[str]:
    return {*catalogue.names(), *(name.lower() for name in LAYERS)}


def unknown_argument(report: Reporter, name: str, names: Sequence[str], span: Span) -> Advice:
    """An argument that the callee does not have."""
    call = call_around(span)
    given = next((text for key, text in call.arguments if key == name), "") if call else ""
    ours = next((each for each in ARGUMENTS.get(name, ()) if each in names), "")
    if name in ("activation", "act", "nonlinearity") and not ours and given:
        step = given.strip("\"'").lower()
        if re.fullmatch(r"\w+", step) and step in catalogue.names():
            return step_argument(span, step)
        return "an activation is a step of its own: `conv(64, 3) -> relu`", ()
    if name == "name" and re.fullmatch(r'"\w+"', given) and call is not None and (rest := _without(call, span)):
        return call.mended(f"{rest} as {given[1:-1]}", call.is_step, "a label stands after the step: `{}`")
    if foreign := foreign_argument(name, names):
        if foreign.startswith("leave it out"):
            return leave_out(span, foreign)
        return foreign, (Edit(span, ours),) if ours and span.text == name else ()
    return report.misspelt(name, span, names)


def wrong_value(callee: str, name: str, expected: str, value: Any, span: Span) -> Advice:
    """A value of a type that the parameter does not take."""
    if expected == "one tensor":
        return NOTHING
    if isinstance(value, Tensor) or (is_list(value) and value and all(isinstance(each, Tensor) for each in value)):
        return tensor_argument(span, lambda text: text in span.text)
    if isinstance(value, BLOCKS):
        return step_argument(span, span.text.partition("=")[2].strip() or span.text)
    if isinstance(value, str) and expected.endswith("same"):
        return word(name, ("same",), value, span)
    if expected == "a bool" and isinstance(value, int):
        return sizes_read_off(span, callee)
    if expected == "a bool" and value is None:
        return leave_out(span, "a bool is `true` or `false`; leave it out for its default")
    return NOTHING


def attribute(span: Span, text: str, what: str) -> Advice:
    """`widths.length`, `x.shape`: a dot after what has no weights."""
    base, _, name = text.rpartition(".")
    if name in ("len", "length", "size") and what == "a list" and base.isidentifier():
        return f"write `len({base})`", (Edit(span, f"len({base})"),)
    if name in ("shape", "size", "ndim", "channels"):
        return "the sizes get names where a value is: `expect [N, c, ...]`", ()
    return NOTHING


def foreign_dtype(report: Reporter, span: Span, dtype: str, known: Iterable[str]) -> Advice:
    """`float32`."""
    if ours := DTYPES.get(dtype.lower()):
        return f"it is called `{ours}` here", (Edit(span, ours),)
    return report.did_you_mean(dtype, known), ()


# ------------------------------------------------------------------------------------------------------------ flows


def missing_input(operator: str) -> str:
    """An input that a model may have forgotten, by what is applied first."""
    sequence = ("lstm", "gru", "rnn", "attention", "layer_norm", "rms_norm", "positions", "self_attention")
    if operator == "embedding":
        declared = "input x: i64[N, 128]"
    elif operator in sequence or operator == "transformer_block":
        declared = "input x: f32[N, 128, 512]"
    else:
        declared = "input x: f32[N, 784]" if operator == "linear" else "input x: f32[N, 3, 224, 224]"
    return f"declare first what flows in, for example `{declared}`"


def projection(first: TensorType, second: TensorType) -> str:
    """A convolution that gives the second tensor the shape of the first: the shortcut of a residual block."""
    out = first.dims[1] if len(first.dims) == len(second.dims) > 2 else None
    if not isinstance(out, int) or first.dims[0] != second.dims[0]:
        return ""
    strides: set[int] = set()
    for ours, theirs in zip(first.dims[2:], second.dims[2:], strict=True):
        if ours == theirs:
            strides.add(1)
        elif not isinstance(ours, int) or not isinstance(theirs, int) or not 0 < ours < theirs:
            return ""
        elif (theirs - 1) // (theirs // ours) + 1 == ours:
            strides.add(theirs // ours)
        else:
            return ""
    stride = strides.pop()
    return "" if strides else f"conv({out}, 1)" if stride == 1 else f"conv({out}, 1, stride = {stride})"


def with_shortcut(span: Span, step: str) -> str:
    """The author's call of a residual block with a shortcut that fits."""
    call = call_at(span)
    given = f"{call.inside}, " if call.inside and call.inside.strip() else ""
    rest = call.source.text[call.end : call.end + _REPEATED]
    body = rest[: rest.find("}") + 1] if rest.lstrip().startswith("{") else ""
    if "\n" in body:
        body = " { ... }"
    return f"give the way round it the same shape: `{call.name}({given}shortcut = {step}){body}`"
