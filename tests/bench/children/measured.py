"""Runs a program and reports its peak memory: `measured.py FD PROGRAM ARGUMENT ...`.

The peak is read by the process itself, because what the kernel tells its parent (`ru_maxrss`) begins with the parent's
own. `PROGRAM` is a script beside this one, "archdsl" for the command line, or "-c" with Python code.
"""

import os
import sys
from pathlib import Path


def peak() -> int:
    """Peak resident bytes of this process."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def run(program: str, arguments: list[str]) -> int:
    if program == "archdsl":
        from archdsl.cli.main import main

        return main(arguments)
    path = "<code>" if program == "-c" else str(Path(__file__).with_name(program))
    code = arguments.pop(0) if program == "-c" else Path(path).read_text(encoding="utf-8")
    sys.argv = [program, *arguments]
    exec(compile(code, path, "exec"), {"__name__": "__main__", "__file__": path})
    return 0


if __name__ == "__main__":
    _, report, program, *arguments = sys.argv
    status = run(program, arguments)
    sys.stdout.flush()
    os.write(int(report), str(peak()).encode())
    sys.exit(status)
