"""Options of the whole suite, and how it draws: always the same inputs, as many as each test says, and no more time
than that takes."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# pytest's importlib mode leaves test folders off `sys.path`. Last, so that `tests/types` hides nothing of Python's.
sys.path.append(str(Path(__file__).parent))

settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
settings.load_profile("suite")

FIRST_SEED = 67280421310721
"""The seed that PyTorch has when it is imported (`default_rng_seed_val`)."""


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """PyTorch's own random numbers are the same for a test whatever ran before it: those it starts with. (By way of the
    generators: `torch.manual_seed` notes the whole stack for a GPU that is not in use, which takes longer than many a
    test.)"""
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.manual_seed(FIRST_SEED)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(FIRST_SEED)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Tests by the ten thousand, and the modules that they import, stay to the end; looking through them for garbage,
    while they are collected and whenever a test leaves some, took a tenth of the suite's time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_setup() -> None:
    """Sessions of onnxruntime compute with one thread, as PyTorch does (`OMP_NUM_THREADS`). Else each has another one,
    which is busy waiting for work as long as the session is there, on the processor of the suite's other worker."""
    runtime = sys.modules.get("onnxruntime")
    if runtime is None or runtime.SessionOptions.__module__ == __name__:
        return

    class SessionOptions(runtime.SessionOptions):
        def __init__(self) -> None:
            super().__init__()
            self.intra_op_num_threads = 1

    runtime.SessionOptions = SessionOptions
    sys.modules["onnxruntime.capi._pybind_state"].get_default_session_options = SessionOptions


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Quiet runs have no header, where the order would be said."""
    seed = getattr(config.option, "randomly_seed", None)
    if seed is not None:
        terminalreporter.write_line(f"order of tests: --randomly-seed={seed}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files of tests/golden anew; read the diff")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
