"""A pytest plugin (`-p recording`): which lines of the package each test runs, and how long it takes. That is the time
of the processor, its children's included, which says the same on a machine that has other work to do.

Written to the folder that `MUTATION_FOLDER` names, one file a process, so that it works with several workers."""

import atexit
import json
import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import coverage
import pytest

FOLDER = Path(os.environ["MUTATION_FOLDER"])
PACKAGE = Path(os.environ["MUTATION_PACKAGE"])

_durations: dict[str, float] = {}
_process = os.getpid()
_coverage = coverage.Coverage(
    data_file=str(FOLDER / "coverage"), data_suffix=str(os.getpid()), source=[str(PACKAGE)], config_file=False
)
_coverage.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    _coverage.switch_context(item.nodeid)
    started = sum(os.times()[:4])
    try:
        return (yield)
    finally:
        _durations[item.nodeid] = sum(os.times()[:4]) - started
        _coverage.switch_context("")


@atexit.register
def _save() -> None:
    if os.getpid() != _process:
        return  # a child that a test forked
    _coverage.stop()
    _coverage.save()
    shutil.copy(_coverage.get_data().data_filename(), FOLDER / f"lines.{os.getpid()}.sqlite")
    (FOLDER / f"durations.{os.getpid()}.json").write_text(json.dumps(_durations))
