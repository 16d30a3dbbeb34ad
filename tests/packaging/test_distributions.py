"""What `pip install` gives a user, and what a source distribution holds."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: object, cwd: Path) -> str:
    # Without PYTHONPATH, which would bring the checkout back.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", name="wheel")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", name="installed")
def _installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of its own with the wheel, and nothing else, in it."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return folder / "bin" / "python"


def test_the_wheel_holds_the_zoo_the_library_and_the_language(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder, inside in (("specs", "archdsl/specs"), ("archdsl/std", "archdsl/std")):
        assert {f"{inside}/{path.name}" for path in (ROOT / folder).glob("*.arch")} <= names
    assert {"archdsl/LANGUAGE.md", "archdsl/py.typed", "archdsl/syntax/table.json"} <= names
    assert all(name.startswith(("archdsl/", "archdsl-")) for name in names)
    assert not any(name.startswith("archdsl/specs/") and name.endswith((".py", ".csv")) for name in names)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["specs"], "densenet(depth"),
        (["count", "densenet"], "7,978,856"),
        (["check", "resnet"], ""),
        (["test", "lenet"], "params"),
        (["ops", "conv"], "conv(out"),
        (["explain", "E0308"], "E0308"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_installed_user_can_follow_the_readme(
    installed: Path, tmp_path: Path, command: list[str], said: str
) -> None:
    assert said in run(installed, "-m", "archdsl", *command, cwd=tmp_path)


def test_the_source_distribution_holds_all_that_git_has(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: git is asked which files there are")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = run("git", "ls-files", cwd=ROOT).splitlines()
    assert [name for name in tracked if name not in names and not name.startswith(".ci/")] == []
