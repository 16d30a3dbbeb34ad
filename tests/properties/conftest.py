"""Makes the oracles of other folders importable: pytest's importlib mode leaves test folders off `sys.path`."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "contract"), str(TESTS / "zoo"), str(TESTS / "fuzz")]
