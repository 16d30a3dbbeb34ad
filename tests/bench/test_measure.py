"""The bench measures what it says it measures. No time is asserted here."""

from functools import partial

import measure
import pytest
from measure import ChildFailed, Worker, ratio, run_process, take_turns
from tables import Report, Table, Target


def test_the_peak_is_the_childs_own_and_grows_with_what_it_holds():
    held = bytearray(64 * measure.MIB)  # of this process, which must not count
    small, large = run_process("-c", "pass"), run_process("-c", f"held = bytearray({32 * measure.MIB})\nprint(7)")
    assert 30 * measure.MIB < large.peak - small.peak < 40 * measure.MIB < len(held)
    assert large.output == "7\n" and small.seconds > 0


def test_processor_time_leaves_out_waiting():
    assert run_process("-c", "import time; time.sleep(0.5)").seconds < 0.5


def test_the_command_line_is_measured_and_its_failure_is_told():
    assert "2,401,510" in run_process("archdsl", "count", "specs/mlp.arch:relu_mlp").output
    with pytest.raises(ChildFailed, match="error"):
        run_process("archdsl", "count", "none.arch")


def test_a_worker_times_each_go_and_its_failure_is_told(tmp_path, monkeypatch: pytest.MonkeyPatch):
    good = "import sys\nfrom serve import serve\nserve(lambda: sum(range(100_000)))\n"
    (tmp_path / "good.py").write_text(f"import sys; sys.path.insert(0, {str(measure.CHILDREN)!r})\n{good}")
    (tmp_path / "bad.py").write_text("raise SystemExit('no such engine')\n")
    monkeypatch.setattr(measure, "CHILDREN", tmp_path)
    with Worker("good.py") as worker:
        assert worker.ready().seconds() > 0 and worker.seconds() > 0
    with Worker("bad.py") as worker, pytest.raises(ChildFailed, match="no such engine"):
        worker.ready()


def test_everybody_has_each_place_in_the_order_equally_often():
    order: list[str] = []
    found = take_turns({name: partial(order.append, name) for name in "abc"}, 3, warmups=1)
    assert order[3:] == list("abcbcacab") and sorted(order[:3]) == list("abc")
    assert {name: len(results) for name, results in found.items()} == {"a": 3, "b": 3, "c": 3}


def test_ratios_are_taken_turn_by_turn():
    # The second turn met a machine ten times as slow, and it does not matter.
    assert ratio([2.0, 20.0, 2.2], [1.0, 10.0, 1.0]) == 2.0


def test_a_target_is_met_at_its_bound_and_missed_beyond():
    assert Target("t", 1.0, 1.0).met and not Target("t", 1.01, 1.0).met
    assert Target("t", 25.0, 25, at_least=True).met and not Target("t", 24.9, 25, at_least=True).met


def test_reports_align_their_columns_and_say_what_was_missed():
    report = Report(
        "Speed", [Table("by tool", ("tool", "ms"), [("a", "1.0"), ("longer", "10.0")])], [Target("a", 2, 1)]
    )
    assert "tool      ms\n------  ----\na        1.0\nlonger  10.0\n" in report.text()
    assert "| tool | ms |\n| --- | --: |\n| a | 1.0 |" in report.markdown()
    assert "- MISSED: a: 2.00x, at most 1x wanted" in report.text()
    assert "skipped: no device" in Report("GPU", skipped="no device").text()
