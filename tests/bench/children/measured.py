"""Runs a program and reports its peak memory: `measured.py FD PROGRAM ARGUMENT ...`.

The peak is read by the process itself, because what the kernel tells its parent (`ru_maxrss`) begins with the parent's
own. `PROGRAM` is a script beside this one, "archdsl" for the command line, or "-c" with Python code. Little is imported
here, since that would be measured too.
"""

import os
import sys


def peak() -> int:
    """Peak resident bytes of this process."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def run(program: str, arguments: list[str]) -> None:
    if program == "archdsl":
        from archdsl.cli.main import entry_point

        sys.argv = [program, *arguments]
        entry_point()
    path = "<code>" if program == "-c" else os.path.join(os.path.dirname(__file__), program)
    code = arguments.pop(0) if program == "-c" else _text(path)
    sys.argv = [program, *arguments]
    exec(compile(code, path, "exec"), {"__name__": "__main__", "__file__": path})


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    _, report, program, *arguments = sys.argv
    try:
        run(program, arguments)
    finally:
        os.write(int(report), str(peak()).encode())
