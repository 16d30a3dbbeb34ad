"""Pages of documentation: links lead somewhere, decisions have their parts, and the index has every one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT, ROOT / "archdsl", ROOT / "docs", ROOT / "docs" / "decisions", ROOT / "specs"]
PAGES = sorted(path for folder in FOLDERS for path in folder.glob("*.md"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def broken(page: Path, text: str) -> list[str]:
    """Links of a page to files that are not there; addresses of the web are not tried."""
    links = re.findall(r"\]\((?!https?://)([^)#\s]+)", text)
    return [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text(encoding="utf-8")) == []
    assert broken(page, "[a](https://a.b) [b](nowhere.md#part)") == ["nowhere.md"]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_a_date_and_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    number, _, _ = page.stem.partition("-")
    assert re.match(rf"# {number}\. .+\n\n20\d\d-\d\d-\d\d\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Reason", "Rejected"]
    assert len(text.split("\n")) < 60  # one page


def test_decisions_are_numbered_without_gaps_and_listed_in_order() -> None:
    assert [int(page.stem[:3]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    heads = [page.read_text(encoding="utf-8").split("\n") for page in DECISIONS]
    expected = [f"- {head[2]} [{head[0][2:]}]({page.name})" for head, page in zip(heads, DECISIONS, strict=True)]
    assert re.findall(r"^- .+$", index, re.MULTILINE) == expected
