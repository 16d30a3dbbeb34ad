"""`archdsl explain`: what a diagnostic code means."""

import sys
from typing import TYPE_CHECKING

from archdsl.cli import exits
from archdsl.cli import options as opts
from archdsl.diagnostics.wrapping import listed, reflowed

if TYPE_CHECKING:
    from archdsl.diagnostics.codes import CodePage


def main(arguments: list[str]) -> int:
    p = opts.parser("explain", "Explain a diagnostic code; without one, list them all.")
    p.add_argument("code", nargs="?", metavar="CODE", help="E0302, or the code's name")
    arguments_ = p.parse_args(arguments)
    from archdsl.diagnostics import codes

    most = opts.terminal_cells(sys.stdout)
    if arguments_.code is None:
        print("\n".join(_line(code, most) for code in codes.all_codes()))
        return exits.FINE
    found = codes.find(arguments_.code)
    if found is None:
        from archdsl.diagnostics.terminal import printable
        from archdsl.elaborate.report import did_you_mean

        known = [word for code in codes.all_codes() for word in (code.code, code.name)]
        suggestion = did_you_mean(arguments_.code, known) or "`archdsl explain` lists all codes"
        print(f"error: no code `{printable(arguments_.code)}`\n  = help: {suggestion}", file=sys.stderr)
        return exits.USAGE
    text = f"{found.code} {found.name}: {found.summary}\n\n{found.explanation.strip()}"
    if found.example.strip():
        met = "warned of" if found.code.startswith("W") else "rejected"
        text += f"\n\nA spec that is {met} with this code:\n\n"
        text += "\n".join(f"    {line}".rstrip() for line in found.example.strip("\n").split("\n"))
    print("\n".join(reflowed(text, most)) if most else text)
    return exits.FINE


def _line(code: "CodePage", most: int | None) -> str:
    """A code in the list of all, on lines of at most `most` cells."""
    head = f"{code.code}  {code.name}"
    if most is None:
        return f"{head:<35}  {code.summary}"
    return "\n".join(listed(head, code.summary, 37, most))
