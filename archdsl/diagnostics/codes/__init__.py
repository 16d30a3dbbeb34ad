"""Every diagnostic code with its long explanation, for `archdsl explain`, the reference and the tests.

The texts are read only when asked for: a run that reports `E0101` prints the code and the message, and pays
nothing for the pages behind them. Each area of the compiler owns one module here, named in `AREAS`; a module
that is not there is a broken installation and an `ImportError`, never a code that is quietly unknown.
"""

from typing import Final

from archdsl.records import record

AREAS: Final = ("syntax", "names", "arguments", "flow", "budgets", "ops", "backends", "onnx", "weights", "cli")


@record
class CodePage:
    """The page of one code.

    `explanation` says why the rule is there and shows a wrong and a right example; `example` is an `.arch`
    text that makes the compiler report the code.
    """

    code: str
    name: str
    summary: str
    explanation: str
    example: str


_codes: dict[str, CodePage] = {}


def all_codes() -> tuple[CodePage, ...]:
    """Every code of every area, in the order of the codes."""
    if not _codes:
        from importlib import import_module

        read: dict[str, CodePage] = {}
        for area in AREAS:
            for code in import_module(f"archdsl.diagnostics.codes.{area}_codes").CODES:
                if code.code in read:
                    raise ValueError(f"{code.code} is defined twice, the second time in {area}")
                read[code.code] = code
        _codes.update(sorted(read.items()))
    return tuple(_codes.values())


def find(code: str) -> CodePage | None:
    """The code written `E0101`, in either case, or named `unexpected-token`; None where there is none."""
    codes = all_codes()
    return _codes.get(code.upper()) or next((c for c in codes if c.name == code.lower()), None)
