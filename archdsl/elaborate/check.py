"""Everything that can be wrong with a file: its models with the defaults of their parameters, the names in all the
rest, its tests, and what it says to no effect."""

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.claims import check_tests
from archdsl.elaborate.lint import lint
from archdsl.elaborate.model import elaborate, look_up_model
from archdsl.elaborate.module import Module
from archdsl.elaborate.names import check_names
from archdsl.limits import Limits
from archdsl.records import field, record


@record
class Checked:
    """What was looked at: the number of models that were elaborated, the parameters of which each other model needs a
    value, and what was left out because a budget was spent."""

    elaborated: int = 0
    without_defaults: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    left: list[str] = field(default_factory=list[str])


def check_module(module: Module, sink: Sink, limits: Limits) -> Checked:
    """Look for every mistake in a loaded file; what is found is in `sink`."""
    before = len(sink.found)
    done = Checked()
    for name in module.models:
        if module.closed(limits):
            done.left.append(f"model `{name}`")
        elif missing := required_parameters(module, name, sink, limits):
            done.without_defaults[name] = missing
        else:
            elaborate(module, name, {}, {}, sink, limits, module.ledger)
            done.elaborated += 1
    for check, what in ((check_names, "what no model uses"), (check_tests, "the tests")):
        if module.closed(limits):
            done.left.append(what)
        else:
            check(module, sink, limits)
    if not any(found.severity == "error" for found in sink.found[before:]):
        lint(module, sink, limits)
    return done


def required_parameters(module: Module, name: str, sink: Sink, limits: Limits) -> list[str]:
    """Parameters without a default: the model cannot be elaborated unless somebody sets them."""
    found = look_up_model(module, name, sink, limits)
    if found is None or found[1]:  # a preset is there to set what its model leaves open
        return []
    return [p.name.id for p in found[0].syntax.parameters if p.default is None and not p.is_flag]
