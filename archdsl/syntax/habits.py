"""Slips of people who come from Python and its frameworks, and misspelt words: what they meant, and how it is written.

Each function looks at a `Mistake` and reports it and returns True, or leaves it to the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from archdsl.diagnostics.spelling import is_slip
from archdsl.syntax import habits_choices as choices
from archdsl.syntax import habits_declarations as declarations
from archdsl.syntax import habits_flow as flow
from archdsl.syntax import habits_items as items
from archdsl.syntax import habits_steps as steps
from archdsl.syntax import habits_values as values
from archdsl.syntax import habits_words as words
from archdsl.syntax.lexemes import shown
from archdsl.syntax.tokens import ITEM_STARTS, NOWHERE, STATEMENT_WORDS

if TYPE_CHECKING:
    from archdsl.syntax.mistake import Mistake

_DEFINES: Final = ITEM_STARTS | {"for", "repeat", "recompute", "if", "else"}
"""The start of a line whose braces hold statements rather than branches."""


def misspelt_word(m: Mistake) -> bool:
    """`ouput y`, `modle m {`: something like a word of the language starts what cannot be read."""
    if "model" in m.expected and m.position == m.first:
        known, what = ITEM_STARTS, "item"
    elif m.position == m.first + 1 and "->" in m.expected:
        known, what = STATEMENT_WORDS | {"if"}, "statement"
    else:
        return False
    if m.at(m.first) != "NAME" or m.kind not in ("NAME", "NUMBER", "STRING", "["):
        return False
    if m.kind == "[" and m.follows(m.position):
        return False
    if m.position == m.first and m.after not in ("NAME", "NUMBER", "STRING"):
        return False
    from difflib import get_close_matches

    word = m.text(m.first)
    near = get_close_matches(word, known, cutoff=0.65)
    if not near:
        return False
    help = f"did you mean `{near[0]}`?"
    edits = m.edit(m.first, m.first, near[0]) if is_slip(word, near[0]) else ()
    return m.report("E0101", f"`{word}` starts no {what}", "read as a name", help, m.first, edits)


def comment(m: Mistake) -> bool:
    """`-- note`, `// note`, `/* note */`: nothing is divided or subtracted in a flow."""
    if "CMP" in m.expected or not m.expected & {"SEP", "NAME", "model"}:
        return False
    mark = m.text(m.position)
    source = m.reporter.source
    if arrow := re.compile("-(-+| +)>").match(source.text, m.tokens.starts[m.position]):
        message = f"expected {m.expected_words}, found `{arrow[0]}`"
        return m.report("E0101", message, "unexpected", "write `->`", edits=((*arrow.span(), "->"),))
    if mark == "-" and m.after == "-" and m.tokens.starts[m.position + 1] == m.tokens.ends[m.position]:
        if m.follows(m.position) and m.line_end(m.position) == m.position + 1:
            return False  # `n--` counts down
        mark = "--"
    begins = mark == "//" or (mark == "/" and (m.position == m.first or m.text(m.position + 1) in ("*", "**")))
    if mark != "--" and not begins:
        return False
    message = f"expected {m.expected_words}, found `{mark}`"
    start = m.tokens.starts[m.position]
    rest = source.line_text(source.line_column(start)[0])[source.line_column(start)[1] - 1 :]
    length, text = len(mark), rest[len(mark) :].strip()
    if mark == "/":
        inside, ends, after = rest[2:].partition("*/")
        length, text = len(rest), inside.strip(" *")
        if not rest.startswith("/*") or not ends or after.strip():
            return m.report("E0113", message, "not a comment", "comments start with `#`, on every line")
    help = f"comments start with `#`: `# {shown(text)}`"
    return m.report(
        "E0113", message, "not a comment", help, edits=((start, start + length, f"# {text}" if mark == "/" else "#"),)
    )


def comma_in_flow(m: Mistake) -> bool:
    """`add { a, b }`; `a, b -> concat`; `output a, b`; `params == 3, macs == 4`."""
    kinds, first = m.tokens.kinds, m.first
    at = m.position
    while at > first and kinds[at] != ",":
        at -= 1
    if kinds[at] != "," or ("~" in m.expected and at != m.position):
        return False
    message, edits = "several values stand without brackets", ()
    branches = bool(first) and kinds[first - 1] in ("{", "|") and in_branches(m)
    names_alone = all(kind in ("NAME", ",") for kind in kinds[first : m.position])
    if at == m.position - 1 and names_alone and m.kind in ("}", "|", *STATEMENT_WORDS):
        help = "a statement ends with its line, without a comma"
        return m.report("E0101", "nothing follows a `,`", "one name more is expected", help, at, m.edit(at, at, ""))
    if at != m.position:
        # Names and commas, which `=` could have followed.
        if "=" not in m.expected or not names_alone:
            return False
        names = m.written(first, m.step_after(m.position - 1) if m.before == "NAME" else m.position - 1)
        help = f"write `[{names}]`"
        edits = m.edit(first, m.position - 1, f"[{names}]") if m.kind == "->" else ()
        if kinds[m.position - 1] == ",":
            help, edits = "a statement ends with its line, without a comma", m.edit(m.position - 1, m.position - 1, "")
        elif "\n" in m.between(at) and not branches:
            help, edits = "a statement ends with its line, without a comma", m.edit(at, at, "")
            return m.report("E0101", "a line ends with `,`", "nothing follows on its line", help, at, edits)
    elif "~" in m.expected:
        return m.report("E0101", "expected the end of the check, found `,`", "unexpected", "each check has its line")
    elif kinds[first] == "output" and at == first + 2:
        help = f"each output has its line: `output {m.short(at - 1)}`, then `output {m.short(at + 1)}`"
        return m.report("E0101", "an output has one name", "and another starts here", help)
    elif kinds[first] in _DEFINES or not {"SEP", "->"} & m.expected or m.expected & {"CMP", ")", "]"}:
        return False
    else:
        message, help = "steps are not separated by `,`", "they are joined by `->`, or stand on lines of their own"
        following = "\n" in m.between(at) or kinds[at + 1] in ("SEP", "}", "$END")
        if following:
            message, help, edits = (
                "a line ends with `,`",
                "a statement ends with its line, without a comma",
                m.edit(at, at, ""),
            )
        elif first and m.step_after(at + 1) != NOWHERE:
            help = f"write `{m.written(m.step_before(at - 1), at - 1)} -> {m.written(at + 1, m.step_after(at + 1))}`"
            edits = m.replaced(first, m.line_end(at), ",", " ->")
    if branches:
        closes = m.closer(first - 1) if kinds[first - 1] == "{" else NOWHERE
        written = m.written(first, closes - 1)
        branches = " | ".join(m.listed(first, closes)) if written else "id | conv(64, 3)"
        message, help = "branches are not separated by `,`", f"write `|` between them: `{{ {branches} }}`"
        edits = m.edit(at, at, " |")
    return m.report("E0101", message, "found here", help, at, edits)


def in_branches(m: Mistake) -> bool:
    """Whether the braces around the statement are those of a step: `name {` or `name(...) {` inside a flow."""
    kinds = m.tokens.kinds
    at, depth = m.first - 1, 0
    while at > 0 and m.first - at < 1000 and (depth or kinds[at] != "{"):
        depth += (kinds[at] == "}") - (kinds[at] == "{")
        at -= 1
    at -= 1
    depth = 0
    while at > 0 and m.first - at < 1000 and (depth or kinds[at] == ")"):
        depth += (kinds[at] == ")") - (kinds[at] == "(")
        at -= 1
    return at > 0 and kinds[at] == "NAME" and kinds[at - 1] in ("SEP", "{", "|", "->", "=", "[", "}")


def unfit_tolerance(m: Mistake) -> bool:
    """`macs within 5% 12`, `macs within 5 of 12`."""
    back = {"NUMBER": 3, "NAME": 2}.get(m.kind, 0)
    if not back or m.position < back or m.text(m.position - back) != "within":
        return False
    if m.expected not in ({"NAME"}, {"%"}):
        return False
    wanted = "`of`" if m.kind == "NUMBER" else "`%`"
    return m.report("E0118", f"expected {wanted}, found {m.found}", "", "write `macs within 2% of 3.8G`")


HABITS: Final[tuple[Callable[[Mistake], bool], ...]] = (
    comment,
    items.base_class,
    items.constant_of_file,
    items.other_let,
    items.name_of_item,
    items.parameters_elsewhere,
    choices.unless,
    choices.membership,
    choices.value_without_else,
    choices.chosen_like_a_statement,
    choices.matched_flow,
    choices.labelled_loop,
    choices.choices_of_words,
    words.other_loop,
    words.body_without_braces,
    steps.test_without_sign,
    steps.number_with_unit,
    steps.other_range,
    steps.declaration_as_step,
    steps.other_shared,
    steps.other_default,
    steps.named_twice,
    steps.listed_step,
    steps.steps_in_parentheses,
    steps.arrow_after_declaration,
    steps.channels_in,
    steps.comma_too_many,
    flow.statement_in_flow,
    flow.grouped_names,
    flow.label_again,
    flow.chosen_flow,
    flow.dotted_step,
    flow.called_twice,
    flow.in_place,
    flow.number_first,
    flow.arithmetic,
    flow.power,
    comma_in_flow,
    values.comprehension,
    values.constant_without_let,
    values.other_equals,
    values.typed_name,
    values.function_of_numbers,
    values.names_in_parentheses,
    values.tuple_without_parentheses,
    values.braces_as_value,
    values.unpacked,
    values.slice_of_list,
    values.named_with_colon,
    values.prefixed_string,
    values.negation,
    values.double_bar,
    choices.other_comparison,
    values.if_as_value,
    values.arm_with_colon,
    values.function_of_module,
    values.decimal_point,
    values.word_for_operator,
    choices.body_in_the_open,
    declarations.unfit_input,
    declarations.unfit_output,
    declarations.arrow_in_signature,
    declarations.block_without_braces,
    declarations.import_without_names,
    declarations.shape_without_brackets,
    declarations.message_without_comma,
    unfit_tolerance,
    misspelt_word,
    items.other_file,
    flow.other_arrow,
    flow.index,
    flow.unjoined_steps,
)
