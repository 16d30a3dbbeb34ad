"""`test` items: figures compared exactly, rounded, within a tolerance; figures of parts; shapes."""

import pytest

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.claims import check_tests
from archdsl.elaborate.loader import load_text
from archdsl.limits import Limits
from archdsl.spec_tests import run_tests

NET = """
block layer(c) { conv(c, 1, !bias) -> relu }
model net(c = 10, flag wide) {
  input x: f32[N, 4, 5, 5]
  layer(25 if wide else c) as stem
  global_avg_pool -> linear(3) as head
  output logits
}
model preset = net(20)
"""
"""400 - with c = 10: 40 weights in the stem, 33 in the head."""


def run(checks, target="net"):
    sink = Sink()
    module = load_text(f"{NET}\ntest {target} {{\n{checks}\n}}", sink, Limits())
    check_tests(module, sink, Limits())
    named = list(sink.found)
    (result,) = run_tests(module, sink, Limits())
    # What the names of a test alone show is found again when it is run, and nothing is found that its run does not.
    assert all(mistake in run_only(module) for mistake in map(repr_of, named))
    return result, sink.found


def run_only(module):
    sink = Sink()
    run_tests(module, sink, Limits())
    return list(map(repr_of, sink.found))


def repr_of(found):
    return found.code, found.message, repr(found.span)


@pytest.mark.parametrize(
    ("check", "passed"),
    [
        ("params == 73", True),
        ("params == 74", False),
        ("params > 72 and depth == 2", True),
        ("73 == params", True),
        ("params ~ 70", False),
        ("params ~ 73", True),
        ("params ~ 0.1K", True),
        ("params ~ 0.07K", True),
        ("params ~ 0.073K", True),
        ("params ~ 0.072K", False),
        ("params ~ 7.3e1", True),
        ("params ~ 7e1", True),
        ("params within 2% of 74", True),
        ("params within 1% of 74", False),
        ("params within 0% of 73", True),
        ("params within 10% of 0", False),
        ("buffers == 0", True),
        ("macs == 40*25 + 30", True),
        ("stem.params == 40", True),
        ("stem.params + head.params == params", True),
        ("head.macs == 30", True),
        ("shape(logits) == [N, 3]", True),
        ("shape(stem) == [N, 10, 5, 5]", True),
        ("shape(logits) == [N, 4]", False),
        ("shape(stem)[1] == 10", True),
        ('"stem".params == 40 and shape("stem")[1] == 10', True),
    ],
)
def test_a_check_holds_or_not(check, passed):
    result, found = run(check)
    assert found == []
    assert not result.failed_to_build
    assert [c.passed for c in result.checks] == [passed]
    assert result.passed is passed


def test_exactly_the_tolerance_is_within_it():
    result, _ = run("params within 27% of 100")
    assert result.passed
    result, _ = run("params within 26.99% of 100")
    assert not result.passed


def test_rounding_is_half_away_from_zero():
    for check, passed in (
        ("115 ~ 0.12K", True),
        ("115 ~ 0.11K", False),
        ("105 ~ 0.11K", True),
        ("0 - 115 ~ -0.12K", True),
    ):
        result, found = run(check)
        assert (result.passed, found) == (passed, []), check


@pytest.mark.parametrize(
    ("target", "stem"),
    [
        ("net", 40),
        ("net(20)", 80),
        ("net(c = 20)", 80),
        ("net(wide)", 100),
        ("preset", 80),
        ("preset(!wide)", 80),
        ("preset(c = 1)", 4),
    ],
)
def test_a_test_gives_arguments_as_a_call_does(target, stem):
    result, found = run(f"stem.params == {stem}", target)
    assert found == []
    assert result.passed


def test_a_result_shows_published_beside_computed():
    result, _ = run('params ~ 0.08K "Somebody, 2020, table 1"\nparams within 5% of 74')
    first, second = result.checks
    assert (first.text, first.citation, first.expected, first.computed) == (
        "params ~ 0.08K",
        "Somebody, 2020, table 1",
        "0.08K",
        "0.07K (73)",
    )
    assert second.computed == "73 (-1.4%)"


def test_a_label_that_is_no_name_is_written_as_a_string():
    text = """
    model m { input x: f32[N, 4, 5, 5]; conv(2, 1) as "3a" -> relu; output y }
    test m { "3a".params == 10; shape("3a") == [N, 2, 5, 5] }
    """
    sink = Sink()
    (result,) = run_tests(load_text(text, sink, Limits()), sink, Limits())
    assert (result.passed, sink.found) == (True, [])


@pytest.mark.parametrize(
    ("check", "code"),
    [
        ("parms == 73", "E0201"),
        ("stm.params == 40", "E0201"),
        ('"stm".params == 40', "E0201"),
        ('shape("stm") == [1]', "E0201"),
        ("stem.parms == 40", "E0301"),
        ("shape(logit) == [N, 3]", "E0201"),
        ("shape() == [N, 3]", "E0302"),
        ("params", "E0310"),
        ('params == error("no")', "E0316"),
        ("shape(stem)[0] > 3", "E0311"),
        ("shape(stem)[0] within 3% of 3", "E0310"),
        ("shape(stem)[0] ~ 3", "E0310"),
    ],
)
def test_a_mistake_in_a_check_is_a_diagnostic(check, code):
    result, found = run(check)
    assert [d.code for d in found] == [code]
    assert not result.passed


@pytest.mark.parametrize(
    ("target", "code"), [("nett", "E0203"), ("net(d = 3)", "E0301"), ("net(0)", "E0305"), ("layer", "E0203")]
)
def test_a_test_of_what_cannot_be_built_fails(target, code):
    result, found = run("params == 1", target)
    assert [d.code for d in found] == [code]
    assert result.failed_to_build
    assert not result.passed


def test_a_mistake_in_one_test_does_not_fail_another():
    sink = Sink()
    module = load_text(NET + "test net(0) { params == 1 }\ntest net { params == 73 }", sink, Limits())
    first, second = run_tests(module, sink, Limits())
    assert first.failed_to_build
    assert second.passed
