"""How the suite draws: always the same inputs, as many as each test says, and no more time than that takes."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "contract"), str(TESTS / "zoo")]

settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
settings.load_profile("suite")
