"""`archdsl explain`: what a diagnostic code means."""

import sys

from archdsl.cli import exits
from archdsl.cli import options as opts


def main(arguments: list[str]) -> int:
    p = opts.parser("explain", "Explain a diagnostic code; without one, list them all.")
    p.add_argument("code", nargs="?", metavar="CODE", help="E0302, or the code's name")
    arguments_ = p.parse_args(arguments)
    from archdsl.diagnostics import codes

    if arguments_.code is None:
        for code in codes.all_codes():
            print(f"{code.code}  {code.name:<28}  {code.summary}")
        return exits.FINE
    found = codes.find(arguments_.code)
    if found is None:
        from archdsl.diagnostics.terminal import printable
        from archdsl.elaborate.report import did_you_mean

        known = [word for code in codes.all_codes() for word in (code.code, code.name)]
        suggestion = did_you_mean(arguments_.code, known) or "`archdsl explain` lists all codes"
        print(f"error: no code `{printable(arguments_.code)}`\n  = help: {suggestion}", file=sys.stderr)
        return exits.USAGE
    print(f"{found.code} {found.name}: {found.summary}\n\n{found.explanation.strip()}")
    if found.example.strip():
        met = "warned of" if found.code.startswith("W") else "rejected"
        print(f"\nA spec that is {met} with this code:\n")
        print("\n".join(f"    {line}".rstrip() for line in found.example.strip("\n").split("\n")))
    return exits.FINE
