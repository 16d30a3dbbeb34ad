"""specs/README.md is what specs/readme.py writes, and names every spec."""

import importlib.util

from zoo_specs import ROOT, SPECS


def test_the_table_of_specs_is_current_and_complete() -> None:
    spec = importlib.util.spec_from_file_location("specs_readme", ROOT / "specs" / "readme.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert {entry[0] for entry in module.ROWS} == set(SPECS)
    assert (ROOT / "specs" / "README.md").read_text(encoding="utf-8") == module.readme(), "run: python specs/readme.py"
