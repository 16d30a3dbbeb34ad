"""Commands run in this process: arguments in, standard output, standard error and exit code out."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode does not; the tests share cli_support

from cli_support import GOOD, Ran

from archdsl.cli.main import main


@pytest.fixture
def archdsl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    monkeypatch.delenv("ARCHDSL_DEBUG", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.arch"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.arch"
    path.write_text(GOOD.replace("unit(width)", "unti(width)").replace("linear(10)", "lineer(10)"))
    return path
