"""The mutators reach what other tools pass over, and a trial tells a change that matters from one that does not."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(
    0, str(Path(__file__).parent)
)  # pytest's importlib mode does not; `make mutants` runs this folder as a program

import trial
from mutators import Mutant, mutants, valid
from results import Results, settled
from sampling import shares
from selection import Selection

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

SOURCE = '''\
"""A module."""

TABLE = {"a": 1, "b": 2}


@record
class Box:
    """A box."""

    size: int = 3
    doc: str = arg("prose that no test reads", minimum=1)

    @property
    @cached
    def volume(self) -> int:
        """Cubed."""
        assert self.size > 0
        if not self.size:
            raise ValueError("empty")
        return self.size ** 3 if self.size < 9 and self.doc else 0
'''


@pytest.fixture(name="found")
def _found(tmp_path: Path) -> list[Mutant]:
    path = tmp_path / "box.py"
    path.write_text(SOURCE)
    return mutants(path, "box.py")


def changes(found: list[Mutant]) -> set[tuple[str, str, str]]:
    return {(mutant.kind, mutant.before.strip(), mutant.after.strip()) for mutant in found}


def test_declarations_tables_and_decorated_functions_are_changed(found: list[Mutant]) -> None:
    assert {
        ("constant", "3", "4"),
        ("entry dropped", '{"a": 1, "b": 2}', '{"b": 2}'),
        ("argument dropped", 'arg("prose that no test reads", minimum=1)', 'arg("prose that no test reads")'),
        ("arithmetic", "**", "*"),
        ("comparison", "<", "<="),
        ("and/or", "and", "or"),
        ("sign or not dropped", "not self.size", "(self.size)"),
        ("statement dropped", 'raise ValueError("empty")', "pass"),
    } <= changes(found)  # fmt: skip


def test_types_and_what_only_states_what_is_so_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "types.py"
    path.write_text(
        "Key = int | str\nSteps = Generator[int, str, str]\n\n"
        "def f(a):\n    return [*zip(a, a, strict=True)], dict[str, int]()\n"
    )
    assert mutants(path, "types.py") == []


def test_prose_annotations_and_assertions_are_left_alone(found: list[Mutant]) -> None:
    assert not any("prose" in mutant.before and mutant.kind == "word" for mutant in found)
    assert not any("> 0" in mutant.before or '"""' in mutant.before for mutant in found)


def test_a_mutant_changes_its_own_place_and_nothing_else(found: list[Mutant]) -> None:
    for mutant in found:
        changed = mutant.apply(SOURCE)
        assert valid(mutant, SOURCE), mutant
        assert changed != SOURCE
        assert len(changed) - len(SOURCE) == len(mutant.after) - len(mutant.before)


def test_every_mutant_has_a_name_of_its_own_that_edits_elsewhere_leave_to_it(tmp_path: Path) -> None:
    path = tmp_path / "sums.py"
    text = "def f(a):\n    a = a + 1 - 1\n    a = a + 1 - 1\n    return a + 1\n"
    path.write_text(text)
    found = mutants(path, "sums.py")
    assert [mutant.name for mutant in found if mutant.kind == "constant"] == [
        ("sums.py", "f", "a = a + 1 - 1", "0", "1", "2"),
        ("sums.py", "f", "a = a + 1 - 1", "1", "1", "2"),
        ("sums.py", "f", "a = a + 1 - 1", "2", "1", "2"),
        ("sums.py", "f", "a = a + 1 - 1", "3", "1", "2"),
        ("sums.py", "f", "return a + 1", "0", "1", "2"),
    ]
    assert len({mutant.name for mutant in found}) == len(found)
    path.write_text(
        "B = 1\n\n\ndef g(a):\n    return a + 1\n\n\n" + text.replace("    return", "    a //= 1\n    return")
    )
    assert {mutant.name for mutant in found} < {mutant.name for mutant in mutants(path, "sums.py")}


def test_each_equivalent_is_listed_with_a_reason_and_still_there() -> None:
    with (HERE / "equivalent.csv").open(newline="", encoding="utf-8") as stream:
        rows = [*csv.DictReader(stream)]
    names = [tuple(row[column] for column in ("path", "place", "code", "turn", "before", "after")) for row in rows]
    assert len({*names}) == len(names)
    assert all(row["reason"] for row in rows)
    there = {mutant.name for path in {row["path"] for row in rows} for mutant in mutants(ROOT / path, path)}
    assert {*names} <= there, f"no mutant of today's text: {sorted({*names} - there)}"


def test_a_sample_is_as_large_as_asked_and_has_some_of_every_stratum() -> None:
    sizes = {"large": 9000, "middle": 900, "small": 60, "tiny": 7}
    drawn = shares(sizes, 1000)
    assert sum(drawn.values()) == 1000
    assert (drawn["small"], drawn["tiny"]) == (40, 7)
    assert drawn["large"] / drawn["middle"] == pytest.approx(10, rel=0.02)
    assert shares(sizes, 8) == {"large": 2, "middle": 2, "small": 2, "tiny": 2}
    assert shares(sizes, 10**6) == sizes


def test_a_quick_verdict_is_undecided_where_tests_are_left(
    found: list[Mutant], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def attempt(mutant: Mutant | None, tests: list[str], limit: float) -> str:
        ran.extend(tests)
        return "t99" if "t99" in tests else "passed"

    class Chosen(Selection):
        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

        def tests(self, mutant: Mutant) -> list[str]:
            return [f"t{number}" for number in range(self.count)]

        def cost(self, test: str) -> float:
            return 0.01

    monkeypatch.setattr(trial, "attempt", attempt)
    monkeypatch.setattr(trial, "STAGES", ((20, 1.0), (50, 5.0), (1000, 50.0)))
    assert trial.verdict(found[0], Chosen(99), quick=True)[:2] == ("undecided", "70 of 99 tests")
    assert trial.verdict(found[0], Chosen(50), quick=True)[:2] == ("survived", "50 of 50 tests")
    assert trial.verdict(found[0], Chosen(99))[:2] == ("survived", "99 of 99 tests")
    assert trial.verdict(found[0], Chosen(100), quick=True)[0] == "undecided"
    assert trial.verdict(found[0], Chosen(100))[:2] == ("killed", "t99")
    assert ran.count("t0") == 5


def test_a_stage_takes_the_first_tests_that_it_has_time_for_and_leaves_the_others() -> None:
    class Timed(Selection):
        def cost(self, test: str) -> float:
            return float(test)

    chosen, left = trial.affordable(["9", "1", "2", "4", "1", "1"], Timed(), 3, 5.0)
    assert (chosen, left) == (["1", "2", "1"], ["9", "4", "1"])
    assert trial.affordable(["9", "8"], Timed(), 3, 5.0) == (["9"], ["8"])
    assert trial.affordable([], Timed(), 3, 5.0) == ([], [])


def test_a_trial_tells_a_change_that_a_test_notices_from_one_that_it_does_not() -> None:
    # A process of its own: the package is loaded in this one.
    program = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(ROOT)!r}]
from mutators import mutants
from selection import ROOT
from trial import attempt
path = ROOT / "archdsl" / "types" / "dims.py"
found = [m for m in mutants(path, "archdsl/types/dims.py") if m.place == "at_least"][:3]
for tests in (["tests/types/test_dims.py"], ["tests/test_records.py"]):
    print(sorted({{attempt(m, tests, 60).partition("::")[0] for m in found}} - {{"passed"}}))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert ran.stdout == "['tests/types/test_dims.py']\n[]\n", ran.stdout + ran.stderr


def test_what_never_ends_is_noticed_by_the_time_that_the_processor_takes(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it():\n    while True:\n        pass\n")
    program = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(ROOT)!r}]
from trial import attempt
print(attempt(None, [{str(tmp_path / "test_it.py")!r}], 1.5))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert ran.stdout == "processor time\n", ran.stdout + ran.stderr


def test_only_survivors_are_run_again_and_other_verdicts_stand(found: list[Mutant], tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    verdicts = ["survived", "undecided", "equivalent", *["killed"] * (len(found) - 3)]
    with Results(path).written() as write:
        for mutant, verdict in zip(found, verdicts, strict=True):
            write(mutant, "types", verdict, "", 1.0)
    (tmp_path / "box.py").write_text("\n\n" + SOURCE)
    moved = mutants(tmp_path / "box.py", "box.py")

    again = Results(path, again=True)
    assert again.survivors(moved) == moved[:2]
    with again.written() as write:
        write(moved[0], "types", "killed", "", 1.0)
        write(moved[1], "types", "survived", "", 1.0)
    assert again.tally() == {"types": {"survived": 1, "equivalent": 1, "killed": len(found) - 2}}
    assert Results(path, again=True).survivors(moved) == [moved[1]]
    assert Results(path, again=True, only="ops").survivors(moved) == []


def test_a_mutant_whose_code_is_gone_counts_no_more(found: list[Mutant], tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with Results(path).written() as write:
        for mutant, verdict in zip(found, ("survived", "survived", "killed", "killed"), strict=False):
            write(mutant, "types", verdict, "", 1.0)
    again = Results(path, again=True)
    assert again.survivors(found[1:3]) == found[1:2]
    with again.written() as write:
        write(found[1], "types", "killed", "", 1.0)
    assert again.tally() == {"types": {"killed": 2}}


def test_an_interrupted_run_keeps_what_it_found_and_leaves_the_rest_as_it_was(
    found: list[Mutant], tmp_path: Path
) -> None:
    path = tmp_path / "results.csv"
    with Results(path).written() as write:
        for mutant in found[:3]:
            write(mutant, "types", "survived", "", 1.0)
    again = Results(path, again=True)
    assert again.survivors(found) == found[:3]
    with pytest.raises(KeyboardInterrupt), again.written() as write:
        write(found[1], "types", "killed", "", 1.0)
        raise KeyboardInterrupt
    assert Results(path, again=True).survivors(found) == [found[0], found[2]]
    assert again.tally() == {"types": {"killed": 1, "survived": 2}}


def test_a_sample_is_gone_on_with_where_it_was_interrupted(found: list[Mutant], tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with Results(path).written() as write:
        write(found[1], "types", "survived", "", 1.0)
        write(found[2], "types", "killed", "", 1.0)
    more = Results(path, more=True)
    assert more.missing(found) == [found[0], *found[3:]]
    with more.written() as write:
        write(found[0], "types", "killed", "", 1.0)
    assert more.tally() == {"types": {"killed": 2, "survived": 1}}


def test_a_verdict_by_time_is_given_a_second_time_alone_with_twice_the_limit(found: list[Mutant]) -> None:
    asked: list[tuple[int, int, float]] = []

    def judge(chosen: list[Mutant], jobs: int, patience: float) -> Iterator[tuple[Mutant, str, str, float]]:
        asked.append((len(chosen), jobs, patience))
        for mutant in chosen:
            slow = (mutant is found[1] and patience < 2) or mutant is found[2]
            yield mutant, "killed" if slow else "survived", "time" if slow else "", 0.0

    verdicts = {mutant: verdict for mutant, verdict, *_ in settled(judge, found[:4], 3)}
    assert asked == [(4, 3, 1.0), (2, 1, 2.0)]
    assert [verdicts[mutant] for mutant in found[:4]] == ["survived", "survived", "killed", "survived"]


def test_tests_that_cannot_be_found_notice_nothing_by_that(
    found: list[Mutant], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that does not load with nothing changed says nothing; one that the change breaks does."""

    def attempt(mutant: Mutant | None, tests: list[str], limit: float) -> str:
        broken = "a.py::test" in tests or (mutant is found[1] and "b.py::test" in tests)
        return "exit 4" if broken else "passed"

    monkeypatch.setattr(trial, "attempt", attempt)
    tests = ["a.py::test", "b.py::test", "c.py::test"]
    assert trial.noticed(found[0], tests, 1.0) == "passed"
    assert trial.noticed(found[1], tests, 1.0) == "exit 4"
