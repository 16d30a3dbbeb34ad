"""Building specs from text, for the tests of elaboration."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.elaborate.loader import load_text
from archdsl.elaborate.model import elaborate
from archdsl.elaborate.names import check_names
from archdsl.ir.flatten import flatten, weights
from archdsl.ir.program import Program
from archdsl.ir.verifier import verify
from archdsl.limits import Limits

Build = Callable[..., Program]
Diagnose = Callable[..., list[Diagnostic]]


def _run(
    text: str,
    model: str | None,
    dims: Mapping[str, int] | None,
    limits: Limits | None,
    root: Path | None,
    parameters: Mapping[str, object],
) -> tuple[Program | None, list[Diagnostic]]:
    sink, limits = Sink(), limits or Limits()
    module = load_text(text, sink, limits, root=str(root) if root else None)
    program = None
    if module is not None:
        program = elaborate(module, model or next(iter(module.models)), parameters, dims or {}, sink, limits)
        if program is not None:
            # Whatever can be elaborated mentions no name that means nothing.
            check_names(module, sink, limits)
    return program, sink.found


@pytest.fixture(name="build")
def _build() -> Build:
    """The sound program of a spec without mistakes."""

    def build(
        text: str,
        model: str | None = None,
        dims: Mapping[str, int] | None = None,
        limits: Limits | None = None,
        root: Path | None = None,
        **parameters: object,
    ) -> Program:
        program, found = _run(text, model, dims, limits, root, parameters)
        # A result that nobody uses (W0501) is beside the point of most claims.
        found = [d for d in found if d.code != "W0501"]
        assert found == [], [f"{d.span!r} {d.code} {d.message}" for d in found]
        assert program is not None
        assert verify(program) == []
        return program

    return build


@pytest.fixture(name="diagnose")
def _diagnose() -> Diagnose:
    """What is wrong with a spec; there must be no program."""

    def diagnose(
        text: str,
        model: str | None = None,
        dims: Mapping[str, int] | None = None,
        limits: Limits | None = None,
        root: Path | None = None,
        **parameters: object,
    ) -> list[Diagnostic]:
        program, found = _run(text, model, dims, limits, root, parameters)
        assert program is None or not any(d.severity == "error" for d in found)
        return found

    return diagnose


@pytest.fixture(name="paths")
def _paths() -> Callable[[Program], list[str]]:
    """Paths of the weights, in order."""
    return lambda program: [path for path, _ in weights(program, Limits())]


@pytest.fixture(name="flat")
def _flat() -> Callable[[Program], list[str]]:
    """What the program does, written out: path, operator with settings, result types."""
    return lambda program: [
        f"{op.path} {op.op!r} {', '.join(str(value.type) for value in op.outputs)}" for op in flatten(program, Limits())
    ]


@pytest.fixture(name="result")
def _result() -> Callable[[Program], str]:
    """Types of the outputs."""
    return lambda program: ", ".join(str(output.value.type) for output in program.outputs)
