"""Options of the whole suite."""

import sys
from pathlib import Path

import pytest

# pytest's importlib mode leaves test folders off `sys.path`. Last, so that `tests/types` hides nothing of Python's.
sys.path.append(str(Path(__file__).parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files of tests/golden anew; read the diff")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
