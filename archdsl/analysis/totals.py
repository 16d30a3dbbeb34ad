"""The totals of a network: lines for people, a record for programs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archdsl.analysis.cost import Cost
from archdsl.analysis.figures import Cell, human, number_text, raw
from archdsl.diagnostics.wrapping import WIDTH, wrapped
from archdsl.ir.operator import FLOP_KINDS
from archdsl.types.dims import Dim

if TYPE_CHECKING:
    from archdsl.analysis.recount import Recount

_ROLES = {
    "weight": "weights",
    "bias": "biases",
    "normalisation": "normalisation",
    "embedding": "embeddings",
}


def totals_lines(total: Cost, most: int = WIDTH) -> list[str]:
    """The totals, exact and rounded, with what they are made of."""
    return _figure_lines(
        {
            "params": (total.params, {_ROLES[role]: count for role, count in total.roles.items()}),
            "buffers": (total.buffers, {}),
            "MACs": (total.macs, total.macs_by_kind),
            "FLOPs": (total.flops, {}),
            "activations": (total.activations, {}),
            "state bytes": (total.weight_bytes, total.bytes_by_dtype if len(total.bytes_by_dtype) > 1 else {}),
        },
        most,
    )


def recount_lines(recount: "Recount", total: Cost, most: int) -> list[str]:
    """The figure of another convention, with what it is made of, beside our own."""
    from archdsl.analysis.recount import NOT_KNOWN

    tally = recount.total
    figures: dict[str, tuple[Cell, Mapping[Any, Dim]]] = {
        "params": (total.params, {_ROLES[role]: count for role, count in total.roles.items()}),
        recount.convention.heading: (
            NOT_KNOWN if tally.unknown else tally.total,
            {name.removeprefix("nn."): count for name, count in tally.counted.items()},
        ),
        "MACs": (total.macs, total.macs_by_kind),
    }
    return _figure_lines(figures, most)


def _figure_lines(figures: Mapping[str, tuple[Cell, Mapping[Any, Dim]]], most: int) -> list[str]:
    numbers = {
        name: number_text(value) if isinstance(value, Dim) else str(value) for name, (value, _) in figures.items()
    }
    widest = max(map(len, numbers.values()))
    first = max(map(len, figures))
    lines: list[str] = []
    for name, (value, parts) in figures.items():
        short = human(value) if isinstance(value, Dim) else ""
        rounded = f"{short:>8}" if short != numbers[name] and name != "state bytes" else " " * 8
        made_of = [(part, count) for part, count in parts.items() if count != 0]
        texts = [f"{part} {number_text(count)}" for part, count in made_of]
        detail = f"   {', '.join(texts)}" if len(texts) > 1 else f"   all {made_of[0][0]}" if made_of else ""
        line = f"{name:<{first}}  {numbers[name]:>{widest}}  {rounded}"
        lines += wrapped(f"{line}{detail}".rstrip(), most, len(line) + 3)
    return lines


def totals_record(total: Cost) -> dict[str, object]:
    """The totals as JSON holds them: integers, or expressions as strings."""
    return {
        "params": total.params,
        "buffers": total.buffers,
        "macs": raw(total.macs),
        "flops": raw(total.flops),
        "activations": raw(total.activations),
        "weight_bytes": total.weight_bytes,
        "bytes_by_dtype": dict(total.bytes_by_dtype),
        "params_by_role": dict(total.roles),
        "macs_by_kind": {kind: raw(count) for kind, count in total.macs_by_kind.items()},
        "flops_by_kind": {kind: raw(total.work[kind]) for kind in FLOP_KINDS if kind in total.work},
    }
