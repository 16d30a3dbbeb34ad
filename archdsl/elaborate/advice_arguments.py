"""What to write instead: arguments that a callee does not take, mended in the author's own call. Read only after a
mistake."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics.model import Edit
from archdsl.elaborate.report import Reporter, foreign_argument, nearest
from archdsl.elaborate.values import BLOCKS, Interface, Tensor, WantedArgument, is_list
from archdsl.elaborate.written import NOTHING, Advice, WrittenCall, call_around, call_at
from archdsl.ops import catalogue
from archdsl.ops.synonyms import ARGUMENTS
from archdsl.source import Span
from archdsl.syntax import ast
from archdsl.syntax.foreign import LAYERS, split


def tensor_argument(span: Span, is_tensor: Callable[[str], bool]) -> Advice:
    """`conv(x, 8, 3)`, `add(a, b)`, `concat([a, b])`: what flows in was written as an argument."""
    call = call_around(span)
    if call is None:
        return NOTHING
    if (found := merged(span, is_tensor))[0]:
        return found
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
    return call.mended(f"{flow} -> {step}", call.starts_flow, f"{_BEFORE}: `{call.bound}{{}}`")


_BEFORE = "what flows in stands before a step"
_NUMBER_ALONE = re.compile(r"-?[\d._]+(e-?\d+)?")
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def merged(span: Span, is_tensor: Callable[[str], bool]) -> Advice:
    """`add(a, conv(8, 3))`, `concat([a, b], 1)`, `mul(x, 0.5)`, `let n = add(2, 3)`: what is merged, as arguments."""
    call = call_around(span)
    operator = catalogue.lookup(call.name) if call else None
    if call is None or operator is None or operator.arities() is not None:
        return NOTHING
    given = [text for name, text in call.arguments if not name]
    sign = _SIGNS.get(call.name)
    if not call.is_step and sign and len(given) > 1 and not any(map(is_tensor, given)):
        plain = all(re.fullmatch(r"[\w.]+", text) for text in given)
        return call.mended(f" {sign} ".join(given), plain, "arithmetic is written with signs: `{}`")
    rest = [f"{name} = {text}" for name, text in call.arguments if name]
    if given and given[0][:1] in ("[", "(") and len(given) == 2 and re.fullmatch(r"-?\d+", given[1]):
        rest.insert(0, given.pop())
    flows: list[str] = []
    for text in given:
        inner = [each for _, each in split(text[1:-1])] if text[:1] in ("[", "(") else [text]
        flows += [_flow(each, is_tensor) for each in inner]
    if len(flows) < 2 or not all(flows) or all(flow.startswith("constant(") for flow in flows):
        return NOTHING
    certain = call.starts_flow or (call.is_step and len(given) == 1)
    return call.mended(f"[{', '.join(flows)}] -> {call.written(rest)}", certain, f"{_BEFORE}: `{call.bound}{{}}`")


def _flow(text: str, is_tensor: Callable[[str], bool]) -> str:
    """What is written as an argument, as a flow; empty for what may be anything."""
    if _NUMBER_ALONE.fullmatch(text):
        return f"constant({text})"
    step = re.fullmatch(r"(\w+)(?:\((.*)\))?", text, re.DOTALL)
    if step is None or is_tensor(text):
        return text if step else ""
    if step[2] is None and catalogue.lookup(step[1]) is None:
        return ""
    (_, first), *rest = split(step[2] or "") or [("", "")]
    if not is_tensor(first):
        return text
    given = ", ".join(f"{name} = {each}" if name else each for name, each in rest)
    return f"{first} -> {step[1]}" + (f"({given})" if given else "")


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
    """`conv(8, 3, activation = relu)`: a step among the arguments of another. In front of all others, as in
    `bn(conv(8, 3))`, it is what the other is applied to."""
    call = call_around(span)
    if call is None or not (rest := _without(call, span)) or not re.match(r"\w+(\(.*\))?$", step):
        return NOTHING
    follows = call.source.text[call.end : call.end + 20].lstrip()
    certain = call.is_step and not re.match(r"as\b|\{", follows)
    if call.arguments[0] == ("", span.text):
        return call.mended(f"{step} -> {rest}", certain, "the inner step stands first: `{}`")
    return call.mended(f"{rest} -> {step}", certain, "a step of its own: `{}`")


def not_written(span: Span, meant: str) -> tuple[str, bool]:
    """Advice to give an argument (`axis = 2`) in the author's own call, and whether it gives that argument already."""
    call = call_at(span)
    name = meant.partition(" =")[0]
    given = [f"{key} = {text}" if key else text for key, text in call.arguments]
    written = any(key == name for key, _ in call.arguments) or sum(not key for key, _ in call.arguments) > 1
    return call.mended(call.written([*given, meant]), False)[0], written


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
    """`linear(2048, 10)`: the size of the input, which is read off it; `linear(1,000)`: one number."""
    call = call_around(span)
    grouped = re.match(r"\d{1,3}(?:,\d{3})+(?!\d)", (call.inside or "").strip()) if call else None
    if call is not None and grouped:
        number = grouped[0].replace(",", "_")
        mended = f"{call.name}({number}{(call.inside or '').strip()[grouped.end() :]})"
        return call.mended(mended, ",0" in grouped[0], "digits are separated by `_`: `{}`")
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


def argument_word(wanted: WantedArgument | None, name: ast.Name) -> Advice:
    """A name that stands for nothing, in the argument of a step: one of the words that it takes, one of another
    argument, a flag, or a step."""
    if wanted is None:
        return NOTHING
    parameter, written = wanted.parameter, wanted.argument
    interface, alone = wanted.interface, written.value is name
    words = interface.words.get(parameter, ())
    flag = name.id if name.id in interface.flags else re.sub("^(no|without)_?", "", name.id)
    if flag in interface.flags and (isinstance(written.value, (ast.Negative, ast.Not)) or (alone and flag != name.id)):
        return f"a flag is taken away by `!{flag}`", (Edit(written.span, f"!{flag}"),) if not written.name else ()
    longer = [each for each in interface.flags if each.startswith(f"{name.id}_")]
    if alone and not written.name and len(longer) == 1:
        return f"it is called `{longer[0]}` here", (Edit(name.span, longer[0]),)
    if name.id in words:
        # A bare word is the whole argument; inside an expression words are strings.
        return f'a word in an expression stands in quotes: `"{name.id}"`', (Edit(name.span, f'"{name.id}"'),)
    if words and alone and (found := word(parameter, words, name.id, written.span))[0]:
        return found
    if alone and not written.name and (found := word_of_another(interface.words, parameter, name.id, written.span))[0]:
        return found
    ours = nearest(name.id, catalogue.names()) if name.id.lower() in _steps() else None
    if ours is not None and alone:
        return step_argument(written.span, ours)
    if alone and written.name and words and parameter != "padding":
        return f"`{parameter}` is one of {', '.join(words)}", ()
    return NOTHING


def word_of_another(words: Mapping[str, Sequence[str]], parameter: str, value: str, span: Span) -> Advice:
    """`block(8, "fast")`: a word in the place of another argument than the one that takes it."""
    takers = [name for name, choices in words.items() if value in choices and name != parameter]
    if len(takers) != 1 or span.text.strip('"') != value:
        return NOTHING
    mended = f"{takers[0]} = {span.text}"
    return f"write `{mended}`", (Edit(span, mended),)


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
    if call is not None and call.name == "pad" and (found := _padded_sides(call, names))[0]:
        return found
    if foreign := foreign_argument(name, names):
        if foreign.startswith("leave it out"):
            return leave_out(span, foreign)
        return foreign, (Edit(span, ours),) if ours and span.text == name else ()
    return report.misspelt(name, span, names)


_SIDES = frozenset(("left", "right", "top", "bottom"))


def _padded_sides(call: WrittenCall, names: Sequence[str]) -> Advice:
    """`pad(left = 2)`: the sides of one axis are a list, [before, after]."""
    sides = {name: text for name, text in call.arguments if name in _SIDES}
    rest = [f"{name} = {text}" for name, text in call.arguments if name not in sides]
    if not sides or "amount" not in names or any(text.startswith((" = ", "axis")) for text in rest):
        return NOTHING
    steps: list[str] = []
    for axis, before, after in ((-2, "top", "bottom"), (-1, "left", "right")):
        if before in sides or after in sides:
            amount = f"[{sides.get(before, '0')}, {sides.get(after, '0')}]"
            steps.append(call.written([amount, f"axis = {axis}", *rest]))
    return call.mended(" -> ".join(steps), call.is_step or len(steps) == 1, "both sides of an axis are a list: `{}`")


def wrong_value(callee: str, name: str, expected: str, value: Any, span: Span, wanted: Interface | None) -> Advice:
    """A value of a type that the parameter does not take; `wanted` is what the callee takes."""
    if expected == "one tensor":
        return NOTHING
    if isinstance(value, Tensor) or (is_list(value) and value and all(isinstance(each, Tensor) for each in value)):
        return tensor_argument(span, lambda text: text in span.text)
    if isinstance(value, BLOCKS) or is_list(value):
        # What is no operator by its name may be a number as well.
        found = merged(span, lambda text: text.isidentifier() and catalogue.lookup(text) is None)
        if found[0]:
            return found[0], ()
    if isinstance(value, BLOCKS):
        given = span.text.partition("=")[2].strip() or span.text
        found = _in_braces(span, given) if wanted is not None and wanted.bodies else NOTHING
        return found if found[0] else step_argument(span, given)
    if isinstance(value, float) and expected.startswith("an int"):
        return _whole(span, value)
    if isinstance(value, str) and expected.endswith("same"):
        return word(name, ("same",), value, span)
    if expected == "a bool" and isinstance(value, str | int):
        return _truth(callee, name, value, span, wanted)
    if isinstance(value, str) and wanted is not None:
        return word_of_another(wanted.words, name, value, span)
    if expected.startswith("a list of") and isinstance(value, int):
        return numbers_listed(span)
    if expected == "a bool" and value is None:
        return leave_out(span, "a bool is `true` or `false`; leave it out for its default")
    return NOTHING


def _in_braces(span: Span, given: str) -> Advice:
    """`residual(conv(3, 3))`: a step that a body in braces is made of."""
    call = call_around(span)
    if call is None or call.source.text[call.end : call.end + 20].lstrip().startswith("{"):
        return NOTHING
    rest = _without(call, span)
    return call.mended(f"{rest} {{ {given} }}", call.is_step and bool(rest), "a body stands in braces: `{}`")


_NUMBER = re.compile(r"(?:\w+\s*=\s*)?(-?[\d_]+(?:\.[\d_]+)?(?:[eE][+-]?\d+)?)")


def _whole(span: Span, value: float) -> Advice:
    """`linear(1e3)`, `linear(10.0)`: an int that is written as a float."""
    literal = _NUMBER.fullmatch(span.text)
    if literal is None or not value.is_integer() or abs(value) >= 2**53:
        return "there is no implicit rounding: use floor(...), round(...) or `//`", ()
    place = Span(span.source, span.start + literal.start(1), span.end)
    return f"a number with a point or an exponent is a float; the int is `{int(value)}`", (
        Edit(place, f"{int(value)}"),
    )


def _truth(callee: str, name: str, value: str | int, span: Span, wanted: Interface | None) -> Advice:
    """`bias = 1`, `bias = "True"`, `linear(2048, 10)`: a bool was not meant, or is written otherwise."""
    said = str(value).lower()
    meant = {"1": "true", "0": "false", "true": "true", "false": "false", "yes": "true", "no": "false"}.get(said)
    key, equals, literal = span.text.partition("=")
    if meant and equals and key.strip() == name and literal.strip().strip('"').lower() == said:
        return f"write `{name} = {meant}`", (Edit(span, f"{name} = {meant}"),)
    if isinstance(value, str):
        return word_of_another(wanted.words, name, value, span) if wanted is not None else NOTHING
    return sizes_read_off(span, callee)
