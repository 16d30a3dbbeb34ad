"""Symbolic dimensions as PyTorch code: `x.shape[2] // 2`.

A dimension is looked for in the shapes at hand, the operator's own inputs first: `H // 2` is simply `x.shape[2]`
where `x` is as high as that. Otherwise it is put together from its atoms, each of which some shape must give."""

from collections.abc import Sequence

from archdsl.backends.torch.records import Code, Infix, Input, Leaf, Length
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.ir.program import Value
from archdsl.source import Span
from archdsl.types.dims import Atom, Dim, Expr, Floor


def size_code(dim: Expr, near: Sequence[Value], far: Sequence[Value], span: Span) -> Code:
    """Code that computes `dim` when the program runs.

    Raises `ArchError` (E0702) when no shape at hand determines it.
    """
    values = [*near, *far]
    code = _known(dim, values) or _polynomial(dim, values)
    if code is None:
        diagnostic = Diagnostic(
            "E0702",
            f"PyTorch code cannot compute the size {dim} here",
            span,
            "no input of this block has a shape that determines it",
            help="bind the symbol with --dim, or pass the block a tensor that has this axis",
        )
        raise ArchError([diagnostic])
    return code


def _known(dim: Dim, values: Sequence[Value]) -> Code | None:
    """The axis of some value that is exactly `dim` long."""
    for value in values:
        for axis, length in enumerate(value.type.dims):
            if length == dim:
                return Length(Input(value), axis)
    return None


def _polynomial(dim: Dim, values: Sequence[Value]) -> Code | None:
    if isinstance(dim, int):
        return Leaf(dim)
    total: Code | None = None
    for monomial, coefficient in dim.terms:
        factors: list[Code] = [Leaf(abs(coefficient))] if abs(coefficient) != 1 or not monomial else []
        for atom in monomial:
            factor = _atom(atom, values)
            if factor is None:
                return None
            factors.append(factor)
        term = factors[0]
        for factor in factors[1:]:
            term = Infix("*", term, factor)
        if total is None:
            total = term if coefficient > 0 else Infix("*", Leaf(-1), term)
        else:
            total = Infix("+" if coefficient > 0 else "-", total, term)
    return total


def _atom(atom: Atom, values: Sequence[Value]) -> Code | None:
    """An atom from an axis that is `scale * atom + offset` long, or a floor from what is under it."""
    for value in values:
        for axis, length in enumerate(value.type.dims):
            if isinstance(length, int):
                continue
            terms = dict(length.terms)
            scale = terms.pop((atom,), 0)
            offset = terms.pop((), 0)
            if scale > 0 and not terms:
                code: Code = Length(Input(value), axis)
                if offset:
                    code = Infix("-" if offset > 0 else "+", code, Leaf(abs(offset)))
                return code if scale == 1 else Infix("//", code, Leaf(scale))
    if isinstance(atom, Floor):
        under = _known(atom.numerator, values) or _polynomial(atom.numerator, values)
        return None if under is None else Infix("//", under, Leaf(atom.divisor))
    return None
