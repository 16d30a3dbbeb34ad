"""What a campaign found once is tried again: `make fuzz` keeps its failures beside itself."""

import json
from pathlib import Path

import pytest
from kinds import KINDS, unpacked

KEPT = sorted((Path(__file__).parents[1] / "fuzz/failures").glob("*.json"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_an_input_that_failed_once_passes(path: Path) -> None:
    kept = json.loads(path.read_text())
    KINDS[kept["kind"]].check(unpacked(kept["kind"], kept["input"]))
