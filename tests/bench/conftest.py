"""Makes the bench's modules importable: pytest's importlib mode leaves test folders off `sys.path`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
