"""What to write instead, for names of nothing and for flows that do not fit. Read only after a mistake."""

import re
from collections.abc import Iterable

from archdsl.diagnostics.model import Edit
from archdsl.elaborate.report import MAX_SUGGESTIONS, Reporter
from archdsl.elaborate.written import NOTHING, REPEATED, Advice, WrittenCall, call_at
from archdsl.ops.synonyms import (
    AMBIGUOUS,
    DTYPES,
    FUNCTIONS,
    MEANINGS,
    NO_FUNCTIONS,
    SYNONYMS,
    TENSOR_FUNCTIONS,
    TYPES,
    VALUES,
)
from archdsl.source import Span
from archdsl.syntax.foreign import LAYERS, MODULES, rewritten
from archdsl.types.tensor import TensorType

# ------------------------------------------------------------------------------------------------- names of nothing


def unknown_name(report: Reporter, span: Span, name: str, visible: set[str], is_step: bool) -> Advice:
    """What a name without a meaning may have meant."""
    report.suggestions += 1
    if report.suggestions > MAX_SUGGESTIONS or span.text != name:
        return NOTHING
    call = call_at(span)
    if name in FUNCTIONS and not is_step and (found := _function(call)):
        return found
    if name in TENSOR_FUNCTIONS and is_step:
        return _tensor_function(call)
    if name in NO_FUNCTIONS and not is_step and call.inside is not None:
        return "the functions of expressions are min, max, floor, ceil, round, len, sum, log2 and sqrt", ()
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
    if found := _in_declaration(span, name):
        return found
    if name in LAYERS or name == "Sequential":
        step, exact = rewritten(span.source.text[call.start : call.end])
        if call.inside is None and name.islower() and "(" in step:
            # `cat` alone says nothing of the defaults that it has elsewhere.
            step, exact = step.partition("(")[0], False
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
    if call.name == "abs" and len(given) == 1:
        plain = given[0].isidentifier()
        return call.mended(f"max({given[0]}, -{given[0] if plain else f'({given[0]})'})", plain)
    if call.name in _POWERS and len(given) == 1:
        inner = given[0] if re.fullmatch(r"\w+", given[0]) else f"({given[0]})"
        return call.mended(_POWERS[call.name].format(given[0], inner), False, "written out it is `{}`")
    if call.name == "pow" and len(given) == 2:
        sides = [each if re.fullmatch(r"\w+", each) else f"({each})" for each in given]
        return call.mended(f"{sides[0]} ** {sides[1]}", False)
    return None


_POWERS = {"exp": "2.718281828 ** {1}", "log": "log2({0}) / 1.442695041", "log10": "log2({0}) / 3.321928095"}


def _tensor_function(call: WrittenCall) -> Advice:
    """A function of each element that has no operator of its own."""
    text = TENSOR_FUNCTIONS[call.name]
    given = [each for _, each in call.arguments]
    if call.name in ("clamp", "clip", "hardtanh"):
        bounds = given if len(given) == 2 else ["0", "6"]
        step = text.format(*bounds)
        return call.mended(step, call.is_step and len(given) == 2, "between two numbers: `{}`")
    if "`" in text:
        return text, ()
    if call.name == "pow" and given != ["2"]:
        return "there is no operator for powers but the second: `mul { id | id }`", ()
    return call.mended(text, call.is_step and given in ([], ["2"]), "of every element it is `{}`")


_CHOICES = re.compile(r"(?:^|[(,])\s*(\w+)\s*:\s*[^,()]*$")


def _in_declaration(span: Span, name: str) -> Advice | None:
    """`mode: fast | exact = fast`, `n: list[int]`, `n: int | none`: the choices of a parameter are values."""
    text = span.source.text[max(0, span.start - _HEAD) : span.start]
    head = re.split(r"(?:^|\n)\s*(?:block|model)\s+\w+\s*(?=\()", text)[-1]
    declared = _CHOICES.search(head[1:])
    if len(head) == len(text) or head.count("(") - head.count(")") != 1 or declared is None:
        return None
    parameter, after = declared[1], span.source.text[span.end : span.end + 1]
    if name in VALUES and head.rstrip().endswith("="):
        return f"write `{VALUES[name]}`", (Edit(span, VALUES[name]),)
    kind = TYPES.get(name.lower(), name.lower())
    if name.lower() == "optional" and after == "[":
        return f"what may be missing has the default `none`: `{parameter}: int = none`", ()
    if after == "[" or head.rstrip().endswith("["):
        return f"a type has no parts: `{parameter}: list` takes any list", ()
    if kind in ("int", "float", "bool", "string", "list"):
        return f"types are no choices; what may be missing has the default `none`: `{parameter}: {kind} = none`", ()
    return f'choices are values, words in quotes: `"{name}"`', (Edit(span, f'"{name}"'),)


_HEAD = 300
"""Characters of a declaration that are looked at before a name in it."""


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


def condition(span: Span, is_text: bool) -> Advice:
    """A number where a condition stands: `depth == 18 or 34`, an arm `18 or 34 =>`."""
    line, column = span.source.line_column(span.start)
    text, at = span.source.line_text(line), column - 1
    before, after = text[:at], text[at + len(span.text) :]
    arm = re.search(r"[{;]\s*((?:[^{;]*?\bor\s+)?)$", before)
    rest = re.match(r"((?:\s*or\s+[\w\".]+)*)\s*=>", after)
    if arm and rest and (arm[1] or rest[1]):
        values = [*re.split(r"\s*\bor\s+", arm[1])[:-1], span.text, *re.split(r"\s*\bor\s+", rest[1])[1:]]
        place = Span(span.source, span.start - len(arm[1]), span.start + len(span.text) + len(rest[1]))
        return f"values of one arm are parted by `|`: `{' | '.join(values)} =>`", (Edit(place, " | ".join(values)),)
    if compared := re.search(r"(\w+)\s*(?:(==)\s*[\w\".]+\s+or|(!=)\s*[\w\".]+\s+and)\s+$", before):
        mended = f"{compared[1]} {compared[2] or compared[3]} {span.text}"
        return f"each is compared: `{compared[0].lstrip()}{mended}`", (Edit(span, mended),)
    if re.fullmatch(r"\w+", span.text) and not span.text.isdigit():
        return f'compare it: `{span.text} == "x"`' if is_text else f"compare it: `{span.text} > 0`", ()
    return 'compare it: `n > 0`, `name == "x"`', ()


def attribute(span: Span, text: str, what: str) -> Advice:
    """`widths.length`, `x.shape`: a dot after what has no weights."""
    base, _, name = text.rpartition(".")
    if name in ("len", "length", "size") and what == "a list" and base.isidentifier():
        return f"write `len({base})`", (Edit(span, f"len({base})"),)
    if name in ("shape", "size", "ndim", "channels"):
        return "the sizes get names where a value is: `expect [N, c, ...]`", ()
    return NOTHING


def foreign_type(report: Reporter, span: Span, name: str, known: Iterable[str]) -> Advice:
    """`n: integer`, `x: Tensor`."""
    ours = name.lower() if name.lower() in known else TYPES.get(name.lower())
    if ours:
        return f"it is called `{ours}` here", (Edit(span, ours),) if name.lower() != "number" else ()
    return report.did_you_mean(name, known), ()


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


def unused_result(span: Span) -> str:
    """What to do about a result that nothing reads, in the author's own flow."""
    call = call_at(span)
    text = call.source.text
    bound = re.fullmatch(r"((?:\w+\s*,\s*)*\w+)\s*=(?!=)(.*)", call.before, re.DOTALL)
    bound = None if bound and bound[1] in ("let", "shared") else bound
    begins = bound[2] if bound else call.before
    begins = f"{begins} " if begins.endswith("->") else begins
    flow = " ".join(f"{begins}{text[call.start : call.end]}{call.after}".split())
    if len(flow) > REPEATED or not flow.isprintable():
        flow = "..."
    label = re.search(r"\bas (\w+)$", flow)
    if bound is None:
        named = flow if label else f"{flow} as name"
        name = label[1] if label else "name"
        following = re.match(r"\s*(?:#.*\n\s*)*(\w+)\s*->", text[call.end + len(call.after) :])
        if following and not begins.startswith("output"):
            anew = following[1]
            return f"leave out `{anew} ->` below to go on from here, or name this and read the name: `{named}`"
        return f"what follows does not start from here: read it by its name, `{named}`, then `{name} -> ...`"
    names = " ".join(bound[1].split())
    if "," in names:
        return f"`{names} = ...` names values and does not move the flow: go on with `[{names}] -> ...` or one of them"
    moved = flow if label else f"{flow} as {names}"
    name = label[1] if label else names
    return f"`{names} = ...` names a value and does not move the flow: write `{moved}`, or go on with `{name} -> ...`"


def unpacked(span: Span, names: int, count: int) -> Advice:
    """What to write for `y, h = lstm(16)`: more names than tensors come, or fewer."""
    text = span.source.text
    bound = re.match(r"((?:\w+\s*,\s*)+\w+)\s*=\s*", span.text)
    steps = list(re.finditer(r"(?:^|->|\s)\s*(\w+)(?=\(|\s*$)", span.text)) if bound else []
    if bound is None or not steps:
        return ("`split` gives a tuple of tensors" if count == 1 else ""), ()
    step = steps[-1]
    call = call_at(Span(span.source, span.start + step.start(1), span.start + step.end(1)))
    if call.end != span.end:
        return ("`split` gives a tuple of tensors" if count == 1 else ""), ()
    targets = " ".join(bound[1].split())
    flow = text[span.start + bound.end() : call.start]
    if call.name in _STATES and count == 1:
        wanted = _STATES[call.name]
        given = [f"{name} = {each}" if name else each for name, each in call.arguments]
        mended = call.written([*given, "states"])
        missing = wanted.count(",") + 1 - names
        shown = targets if missing == 0 else f"{targets}, c" if missing == 1 else wanted
        help = f"the last states come along with `states`: `{shown} = {flow}{mended}`"
        if not help.isprintable() or len(help) > 2 * REPEATED:
            return "the last states come along with `states`", ()
        return help, call.mended(mended, shown == targets)[1]
    if call.name == "split" and re.fullmatch(r"\d+", call.arguments[0][1] if call.arguments else ""):
        rest = [f"{name} = {each}" if name else each for name, each in call.arguments[1:]]
        first = f"sections = {names}" if call.arguments[0][0] else f"{names}"
        return call.mended(call.written([first, *rest]), False, "as many parts as names: `{}`")
    if count > 1:
        return "", ()
    mended = f"{targets} = {flow}{text[call.start : call.end]} -> split({names})"
    short = len(mended) <= REPEATED and mended.isprintable()
    return (f"`split` gives a tuple of tensors: `{mended}`" if short else "`split` gives a tuple of tensors"), ()


_STATES = {"lstm": "y, h, c", "gru": "y, h", "rnn": "y, h"}


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


_KEEPS = "bn|batch_norm|group_norm|dropout|relu|relu6|gelu|silu|tanh|sigmoid|leaky_relu|elu|id"
_LAST_CONVOLUTION = re.compile(rf"\bconv\(\s*([^,()]*[a-z_][^,()]*)[^()]*\)(\s*->\s*({_KEEPS})(\([^()]*\))?)*\s*$")


def in_words_of(branch: str, step: str) -> str:
    """A convolution with the author's expression for its channels, where the branch that has as many ends in one."""
    found = _LAST_CONVOLUTION.search(branch)
    return re.sub(r"\(\d+", f"({found[1].strip()}", step, count=1) if found and "=" not in found[1] else step


def with_shortcut(span: Span, step: str) -> str:
    """The author's call of a residual block with a shortcut that fits."""
    call = call_at(span)
    step = in_words_of(call.after.strip().removeprefix("{").removesuffix("}"), step)
    given = f"{call.inside}, " if call.inside and call.inside.strip() else ""
    rest = call.source.text[call.end : call.end + REPEATED]
    body = rest[: rest.find("}") + 1] if rest.lstrip().startswith("{") else ""
    if "\n" in body:
        body = " { ... }"
    return f"give the way round it the same shape: `{call.name}({given}shortcut = {step}){body}`"
