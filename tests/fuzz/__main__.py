"""`make fuzz`: `python tests/fuzz MINUTES [KIND[=INPUTS] ...]` tries all kinds of inputs, or these, for so long or
until so many were tried; `--processes N`.

It goes on where the last campaign stopped (build/fuzz), keeps the smallest of each kind of failure in
tests/fuzz/failures, which the suite tries again, and adds a line for each kind to tests/fuzz/ledger.csv.
"""

import datetime
import gc
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent
sys.path[:0] = [str(HERE), str(TESTS / "contract"), str(TESTS / "zoo")]
sys.path.append(str(TESTS))

from campaign import Campaign, Runner  # noqa: E402
from kinds import KINDS  # noqa: E402

LEDGER = HERE / "ledger.csv"
DRAWN = 150
"""Inputs of each kind that are drawn and not tried, before processes are made, for what is known once it is asked."""
HEADING = "date,version,kind,inputs,failures,inputs_per_second\n"


def version() -> str:
    """The commit."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    ran = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "unknown"


def preload() -> None:
    """Import once what every process needs."""
    import properties.command
    import properties.engines
    import properties.meaning
    import properties.readers
    import torch

    torch.set_num_threads(1)
    properties.command.place()
    for kind in KINDS.values():
        runner = Runner(kind)
        for number in range(DRAWN):
            runner.drawn(number)
    # Whatever looks for garbage would copy all of this into every process.
    gc.collect()
    gc.freeze()


def main(arguments: list[str]) -> int:
    processes = 2
    if "--processes" in arguments:
        at = arguments.index("--processes")
        processes = int(arguments[at + 1])
        del arguments[at : at + 2]
    minutes, *named = arguments or ["5"]
    wanted = {name: int(count) for name, _, count in (each.partition("=") for each in named) if count}
    kinds = [KINDS[each.partition("=")[0]] for each in named] or list(KINDS.values())
    preload()
    campaign = Campaign(TESTS.parent / "build/fuzz", processes)
    campaign.run(kinds, time.monotonic() + 60 * float(minutes), wanted)
    new = not LEDGER.exists()
    with LEDGER.open("a") as stream:
        if new:
            stream.write(HEADING)
        for kind in kinds:
            tried, spent = campaign.tried[kind.name], campaign.seconds[kind.name]
            rate = f"{tried / spent:.1f}" if spent else "0"
            today = datetime.date.today().isoformat()
            line = f"{today},{version()},{kind.name},{tried},{campaign.failures[kind.name]},{rate}"
            stream.write(line + "\n")
            print(line)
    return int(any(campaign.failures.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
