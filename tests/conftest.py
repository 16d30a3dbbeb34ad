"""Options of the whole suite, and how it draws: always the same inputs, as many as each test says, and no more time
than that takes."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# pytest's importlib mode leaves test folders off `sys.path`. Last, so that `tests/types` hides nothing of Python's.
sys.path.append(str(Path(__file__).parent))

settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files of tests/golden anew; read the diff")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
