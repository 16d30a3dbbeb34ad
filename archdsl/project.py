"""Questions about a whole file, in Python: its models, everything wrong with it, its tests, formulas of a family.

The answers are data: records of strings, integers and `Diagnostic`s. Printing is the command line's business.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from archdsl.api import checked_limits, checked_sizes, load_module, locate, network
from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.limits import Limits
from archdsl.records import described, record

if TYPE_CHECKING:
    from archdsl.analysis.closed_form import ClosedForm
    from archdsl.spec_tests import TestResult

Spec = str | os.PathLike[str]


@record
class Parameter:
    """A parameter of a model. `default` and `type` as the spec writes them, empty for none; `choices` the values that
    it takes and no others; `flag` for one that is false unless it is set."""

    name: str
    type: str
    default: str
    choices: tuple[str, ...]
    flag: bool

    __repr__ = described


@record
class Model:
    """A model of a file. `preset_of` is what a preset sets (`resnet(depth = 50)`), empty for a model that says what its
    network is; `doc` its doc comment."""

    name: str
    parameters: tuple[Parameter, ...]
    preset_of: str
    doc: str

    __repr__ = described


def models(spec: Spec, *, limits: Limits | None = None) -> list[Model]:
    """The models and presets of a spec, in the order of the file. `spec` is as for `archdsl.load`.

    Raises `ArchError` for a spec that cannot be read.
    """
    from archdsl.elaborate.model import look_up_model
    from archdsl.elaborate.values import ModelPreset

    limits = checked_limits(limits)
    sink = Sink()
    path, is_text, only = locate(spec)
    module = load_module(path, sink, limits, is_text=is_text)
    found: list[Model] = []
    for name, definition in module.models.items():
        resolved = look_up_model(module, name, sink, limits)
        if resolved is None or only not in (None, name):
            continue
        parameters = tuple(
            Parameter(
                p.name.id,
                p.type.id if p.type else "",
                "false" if p.is_flag else p.default.span.text if p.default else "",
                tuple(choice.span.text for choice in p.choices),
                p.is_flag,
            )
            for p in resolved[0].syntax.parameters
        )
        base = definition.syntax.base.span.text if isinstance(definition, ModelPreset) else ""
        found.append(Model(name, parameters, base, definition.syntax.doc))
    sink.raise_errors()
    return found


def check(spec: Spec, *, limits: Limits | None = None) -> tuple[Diagnostic, ...]:
    """Everything that `archdsl check` finds in a spec, errors and warnings, in the order of the file. Nothing is raised
    for what a spec contains. `spec` is as for `archdsl.load`."""
    from archdsl.diagnostics.finding import in_order
    from archdsl.diagnostics.model import ArchError
    from archdsl.elaborate.check import check_module

    limits = checked_limits(limits)
    sink = Sink()
    path, is_text, _ = locate(spec)
    with suppress(ArchError):  # a file that cannot be read or parsed: its diagnostics are in the sink
        check_module(load_module(path, sink, limits, is_text=is_text), sink, limits)
    return tuple(in_order(sink.found))


def test(spec: Spec, *, limits: Limits | None = None) -> "list[TestResult]":
    """The results of a spec's `test` items: of each its name, whether it passed, and for every check the text, the
    source it cites, and the figures expected and computed. `spec` is as for `archdsl.load`.

    Raises `ArchError` for a spec, or a test, that has errors.
    """
    from archdsl.spec_tests import run_tests

    limits = checked_limits(limits)
    sink = Sink()
    path, is_text, _ = locate(spec)
    results = run_tests(load_module(path, sink, limits, is_text=is_text), sink, limits)
    sink.raise_errors()
    return results


test.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]: its name would make pytest collect it


def formulas(
    spec: Spec,
    names: Sequence[str],
    model: str | None = None,
    *,
    dims: Mapping[str, int] | None = None,
    limits: Limits | None = None,
    **parameters: object,
) -> "ClosedForm":
    """Exact formulas of a network's figures in some of its parameters, as `archdsl count --symbolic` finds them.

    `formulas("densenet_bc", ["k"]).evaluate("params", k=40)` is the count at `k = 40`, without counting again. The
    other arguments are those of `archdsl.load`. Raises `ArchError` where the network has errors, has no such parameter,
    or is too large to be counted often.
    """
    from archdsl.families import family_formulas

    limits = checked_limits(limits)
    sink = Sink()
    path, is_text, named = locate(spec)
    module = load_module(path, sink, limits, is_text=is_text)
    dims = checked_sizes(dims)
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]: callers differ
        raise TypeError(f"names is a list of names of parameters, not {names!r}")
    chosen = network(module, model or named, parameters, dims, sink, limits)
    return family_formulas(module, chosen.program, parameters, dims, names, limits)
