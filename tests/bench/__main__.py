"""`make bench`, or `python tests/bench [SECTION ...]`: figures as ratios measured side by side in one run.

Nothing is timed in the test suite, because shared machines are noisy. This exits with 1 when a target is missed.
"""

import argparse
import datetime
import importlib
import platform
import sys
from pathlib import Path

from measure import ROOT, ChildFailed
from tables import Report

SECTIONS = {
    "count": ("counting", "whole-process counting against other counters"),
    "depth": ("depth", "counting against depth, 20 layers to a million"),
    "build": ("building", "PyTorch modules against hand-written ones: construction, one pass"),
    "emission": ("emission", "writing ONNX against PyTorch's exporters"),
    "latency": ("latency", "one pass on the CPU against PyTorch's exports, eager PyTorch and torch.compile"),
    "gpu": ("gpu", "the same on a GPU, in single and half precision"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/bench", description=__doc__.splitlines()[0])
    listed = "; ".join(f"{name}: {text}" for name, (_, text) in SECTIONS.items())
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"all if none is named. {listed}")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each contestant (each section has its own)")
    parser.add_argument("--save", action="store_true", help="write the tables to tests/bench/results/DATE.md as well")
    options = parser.parse_args()
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f"no section {name!r}; there are {', '.join(SECTIONS)}")
    chosen = options.sections or list(SECTIONS)
    reports: list[Report] = []
    for name in chosen:
        section = importlib.import_module(SECTIONS[name][0])
        given = {} if options.rounds is None else {"rounds": options.rounds}
        try:
            report = section.run(**given)
        except ChildFailed as failure:
            sys.exit(f"{name}: {failure}")
        print(report.text(), end="\n\n\n", flush=True)
        reports.append(report)
    if options.save:
        print(f"written to {_save(reports)}")
    return int(any(not target.met for report in reports for target in report.targets))


def _save(reports: list[Report]) -> Path:
    today = datetime.date.today().isoformat()
    path = ROOT / "tests" / "bench" / "results" / f"{today}.md"
    path.parent.mkdir(exist_ok=True)
    head = f"# Measured on {today}\n\n{platform.processor() or platform.machine()}, Python {platform.python_version()}."
    path.write_text("\n\n".join([head, *(report.markdown() for report in reports)]) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
