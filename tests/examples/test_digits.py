"""The worked example does what it says, as a reader would run it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_digits_trains_compiles_and_predicts_the_same_on_onnxruntime(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "digits.py"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "360 of 360 test images" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"digits.safetensors", "digits.onnx"}
