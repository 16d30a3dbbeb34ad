"""Makes the helpers beside the tests and those of the zoo importable: pytest's importlib mode leaves test folders off
`sys.path`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "zoo")]
