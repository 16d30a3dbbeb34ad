"""The suite runs in random order, and says in which."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).relative_to(ROOT)


def test_no_setting_of_the_suite_keeps_its_tests_in_order() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["addopts"]
    commands = [line for line in (ROOT / "Makefile").read_text().split("\n") if "/pytest" in line]
    assert commands
    for each in [options, *commands]:
        assert "no:randomly" not in each and "randomly-seed" not in each and "dont-reorganize" not in each, each


def test_a_run_says_the_seed_of_its_order() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--randomly-seed=7", HERE, "-k", "no_setting"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "order of tests: --randomly-seed=7\n" in ran.stdout
