"""Axes split, moved and joined by names (einops's `rearrange`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.ir.operator import Example, arg, reject
from archdsl.ir.reach import MAX_PERIOD, AxisReach
from archdsl.ops import axis_patterns
from archdsl.ops.layout import Layout
from archdsl.records import record
from archdsl.types.dims import Dim, equal, exact_div, product
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchArg, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

EXAMPLE = "n (g c) h w -> n (c g) h w"

Lengths = tuple[tuple[str, Dim], ...]


@record
class Plan:
    """The effect of a pattern on one type: its axes are cut into `cut`, as many for each as `pieces` says, put into
    `order` and joined, as many at a time as `joined` says. `worked_out` are the axes of `cut` whose length nobody
    gave."""

    cut: tuple[Dim, ...]
    pieces: list[int]
    order: tuple[int, ...]
    joined: list[int]
    worked_out: set[int]

    @property
    def moved(self) -> tuple[Dim, ...]:
        return tuple(self.cut[axis] for axis in self.order)

    @property
    def result(self) -> tuple[Dim, ...]:
        dims, position = list[Dim](), 0
        for count in self.joined:
            dims.append(product(self.moved[position : position + count]))
            position += count
        return tuple(dims)

    def parts(self, axes: Sequence[int]) -> list[int]:
        """Axes of `cut` without those of length 1 beside others."""
        return [axis for axis in axes if self.cut[axis] != 1] or list(axes[:1])

    def span(self, place: int, joined: list[int], left: list[int]) -> AxisReach | None:
        """How axis `place` of the result, in which the parts `joined` follow the outermost one, reads an axis in which
        the parts `left` follow it; None where their lengths are symbols or there are too many."""
        period, step = (product(self.cut[part] for part in parts) for parts in (joined, left))
        if not isinstance(period, int) or not isinstance(step, int) or period > MAX_PERIOD:
            return None
        sizes = [dim if isinstance(dim, int) else 0 for dim in self.cut]
        lows: list[int] = []
        highs: list[int] = []
        for index in range(period):
            at: dict[int, int] = {}
            for part in reversed(joined):
                index, at[part] = divmod(index, sizes[part])
            low = high = 0
            for part in left:
                length = sizes[part]
                low = low * length + at.get(part, 0)
                high = high * length + at.get(part, length - 1)
            lows.append(low)
            highs.append(high)
        return AxisReach(place, step, tuple(lows), tuple(highs))


class Rearrange(Layout):
    """Brackets on the left cut an axis, outermost part first; brackets on the right join axes; `1` is an axis of length
    1, `...` any number of axes. Of the parts of one axis at most one length may be left out. A view where the layout in
    memory allows it, as `reshape`; it is counted as one, so it writes no activations."""

    name = "rearrange"
    summary = "Axes cut, moved and joined as a pattern of names says"
    source = "Rogozhnikov, 2022"
    examples = (
        Example('rearrange("n c h w -> n (h w) c")', ("f32[N, 3, H, W]",), "f32[N, H*W, 3]", reach="[a, c, *, *]"),
        Example(
            'rearrange("n (g c) h w -> n (c g) h w", g = 2)',
            ("f32[N, 6, 4, 5]",),
            "f32[N, 6, 4, 5]",
            reach="[a, *, c, d]",
        ),
        Example(
            'rearrange("n (c r s) h w -> n c (h r) (w s)", r = 2, s = 3)',
            ("f32[2, 6, 4, W]",),
            "f32[2, 1, 8, 3*W]",
            reach="[a, *, c%2: 0 | 0 | +1, d%3: 0 | 0 | 0 | +1]",
        ),
        Example(
            'rearrange("n t (h d) -> (n h) t d", h = 2)',
            ("f32[N, T, 6]",),
            "f32[2*N, T, 3]",
            reach="[a%2: 0 | 0 | +1, b, *]",
        ),
        Example(
            'rearrange("n (a b c) d -> n (a b c d)", b = 2, c = 2)',
            ("f32[2, 8, 2]",),
            "f32[2, 16]",
            reach="[a, b%8: 0 | 0 | 1 | 1 | 2 | 2 | 3 | 3 | +4, *]",
        ),
        Example('rearrange("n ... c -> n c ...")', ("f32[2, 4, 5, 3]",), "f32[2, 3, 4, 5]", reach="[a, c, d, b]"),
        Example('rearrange("n ... -> n (...)")', ("f32[N, 3, H]",), "f32[N, 3*H]", reach="[a, *, *]"),
        Example('rearrange("n 1 c -> c n")', ("i64[2, 1, 3]",), "i64[3, 2]", reach="[b, *, a]"),
        Example('rearrange("(a b) c -> a 1 b c", a = 2)', ("f32[6, 3]",), "f32[2, 1, 3, 3]", reach="[3a..3a+2, d]"),
    )

    pattern: str = arg("string", f"the axes before and after: `{EXAMPLE}`")
    lengths: Lengths = arg("lengths", "lengths of parts: `g = 4`", default=(), minimum=1)

    def _plan(self, x: TensorType) -> Plan:
        left, right = axis_patterns.read(self.pattern, EXAMPLE)
        left, right, spread = self._same_names(x, left, right)
        given = {**dict(self.lengths), **spread}
        cut: list[Dim] = []
        place: dict[str, int] = {}
        worked_out: set[int] = set()
        for axis, dim in zip(left, x.dims, strict=True):
            lengths = self._parts(axis, dim, given)
            for name, length in zip(axis.names, lengths, strict=True):
                place[name] = len(cut)
                if name not in given:
                    worked_out.add(len(cut))
                cut.append(length)
        order = tuple(place[name] for axis in right for name in axis.names)
        pieces, joined = [len(axis.names) for axis in left], [len(axis.names) for axis in right]
        return Plan(tuple(cut), pieces, order, joined, worked_out)

    def _same_names(
        self, x: TensorType, left: axis_patterns.Side, right: axis_patterns.Side
    ) -> tuple[axis_patterns.Side, axis_patterns.Side, dict[str, Dim]]:
        """Both sides with `...` written out, and the lengths of the axes it stands for."""
        known = {name for axis in left for name in axis.names}
        wanted = {name for axis in right for name in axis.names}
        for side, others, where in ((right, known, "left"), (left, wanted, "right")):
            for axis in side:
                for name, part in zip(axis.names, axis.places, strict=True):
                    if name not in others:
                        reject(
                            f"axis `{name}` is not on the {where}",
                            at="pattern",
                            within=part,
                            expected=f"one of {_listed(others)}",
                            help="`rearrange` moves axes; `repeat_dim` and `unsqueeze` make them, `reduce_*` take them",
                            code="E0408",
                        )
        for name, _ in self.lengths:
            if name not in known:
                reject(f"the pattern has no axis `{name}`", at=name, help=f"it names {_listed(known)}", code="E0408")
        dots = [at for at, axis in enumerate(left) if axis_patterns.ELLIPSIS in axis.names]
        if any(left[at].bracketed for at in dots):
            reject("`...` on the left stands outside brackets", at="pattern", within=left[dots[0]].place, code="E0414")
        if len(left) - len(dots) > x.rank or (not dots and len(left) != x.rank):
            reject(
                f"the left side has {len(left) - len(dots)} axes{' besides `...`' if dots else ''}, the input {x.rank}",
                at="pattern",
                within=axis_patterns.span_of(left),
                expected=f"{x.rank} axes",
                found=str(x),
                code="E0407",
            )
        if not dots:
            return left, right, {}
        start, count = dots[0], x.rank - len(left) + 1
        names = [f"...{i}" for i in range(count)]
        part = left[start].place
        whole = [axis_patterns.Axis([name], [part], part) for name in names]
        lengths = dict(zip(names, x.dims[start : start + count], strict=True))
        return [*left[:start], *whole, *left[start + 1 :]], _written_out(right, names), lengths

    def _parts(self, axis: axis_patterns.Axis, dim: Dim, given: dict[str, Dim]) -> list[Dim]:
        """The lengths of the parts of one axis."""
        open_names = [name for name in axis.names if name not in given]
        if len(open_names) > 1:
            reject(
                f"the axis of length {dim} is cut into {_listed(axis.names)}, and {_listed(open_names)} are not given",
                at="pattern",
                within=axis.place,
                help=f"give all of them but one: `{open_names[0]} = ...`",
                code="E0412",
            )
        taken = product(given[name] for name in axis.names if name in given)
        rest = exact_div(dim, taken) if open_names else 1
        if rest is None:
            reject(
                f"the axis of length {dim} cannot be cut into parts of {taken}",
                at="pattern",
                within=axis.place,
                expected=f"a multiple of {taken}",
                found=str(dim),
                help="" if isinstance(dim, int) else "declare the axis as a multiple, such as `4*H`",
                code="E0404",
            )
        if not open_names and equal(dim, taken) is not True:
            reject(
                f"the pattern says {taken} for an axis of length {dim}",
                at="pattern",
                within=axis.place,
                expected=str(taken),
                found=str(dim),
                code="E0402",
            )
        return [given.get(name, rest) for name in axis.names]

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        (x,) = inputs
        return (x.with_dims(*self._plan(x).result),)

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The outermost part of an axis leads, wherever it ends outermost: what was cut off is read whole, or place by
        place where it is joined on again. All other axes are read whole."""
        plan = self._plan(inputs[0])
        ends: dict[int, tuple[int, list[int]]] = {}  # by outermost part: the axis of the result and its parts
        position = 0
        for place, count in enumerate(plan.joined):
            parts = plan.parts(plan.order[position : position + count])
            position += count
            if parts:
                ends[parts[0]] = place, parts[1:]
        found: dict[int, AxisReach] = {}
        position = 0
        for axis, count in enumerate(plan.pieces):
            parts = plan.parts(range(position, position + count))
            position += count
            if parts and parts[0] in ends:
                span = plan.span(*ends[parts[0]], parts[1:])
                if span:
                    found[axis] = span
        return ((found,),)

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        """Cut with `unflatten`, move, join with `flatten`; `reshape` where that takes more than one of them."""
        (x,) = inputs
        plan = self._plan(x.type)
        y: TorchExpr = x
        if any(count != 1 for count in plan.pieces):
            where = _only(plan.pieces)
            if where is not None:
                cut = range(where, where + plan.pieces[where])
                y = t.method(y, "unflatten", where, tuple(self._size(t, plan, axis) for axis in cut))
            else:
                y = t.method(y, "reshape", *self._sizes(t, plan.cut))
        y = _moved(t, y, plan.order)
        if any(count != 1 for count in plan.joined):
            where = _only(plan.joined)
            if where is None:
                return t.method(y, "reshape", *self._sizes(t, plan.result))
            last = where + plan.joined[where] - 1
            return t.method(y, "flatten", where) if last == len(plan.cut) - 1 else t.method(y, "flatten", where, last)
        return y

    @staticmethod
    def _size(t: "TorchEmitter", plan: Plan, axis: int) -> "TorchArg":
        return -1 if axis in plan.worked_out else t.size(plan.cut[axis])

    @staticmethod
    def _sizes(t: "TorchEmitter", dims: tuple[Dim, ...]) -> "list[TorchArg]":
        """A single symbolic length is left to PyTorch; no axes at all are an empty tuple."""
        if not dims:
            return [()]
        if sum(not isinstance(dim, int) for dim in dims) == 1:
            return [dim if isinstance(dim, int) else -1 for dim in dims]
        return [t.size(dim) for dim in dims]

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """Views and copies as `reshape`, `permute` and `reshape` make them; nothing is kept."""
        (x,) = inputs
        plan = self._plan(x.type)
        y = tape.permute(tape.reshape(x, plan.cut), plan.order)
        return tape.reshape(y, plan.result)

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        (x,) = inputs
        plan = self._plan(x.type)
        if plan.cut != x.type.dims:
            x = o.node("Reshape", x, _shape(o, plan.cut))
        if plan.order != tuple(range(len(plan.order))):
            x = o.node("Transpose", x, perm=plan.order)
        return x if plan.result == plan.moved else o.node("Reshape", x, _shape(o, plan.result))


def _written_out(side: axis_patterns.Side, names: list[str]) -> axis_patterns.Side:
    """A side whose `...` is these axes: one by one outside brackets, joined inside."""
    result: axis_patterns.Side = []
    for axis in side:
        if axis_patterns.ELLIPSIS not in axis.names:
            result.append(axis)
        elif not axis.bracketed:
            result.extend(axis_patterns.Axis([name], [axis.place], axis.place) for name in names)
        else:
            at = axis.names.index(axis_patterns.ELLIPSIS)
            inside = [*axis.names[:at], *names, *axis.names[at + 1 :]]
            result.append(axis_patterns.Axis(inside, [axis.place] * len(inside), axis.place))
    return result


def _moved(t: "TorchEmitter", x: "TorchExpr", order: tuple[int, ...]) -> "TorchExpr":
    """`transpose` where two axes change places, else `permute`."""
    changed = [axis for axis, old in enumerate(order) if axis != old]
    if not changed:
        return x
    return t.method(x, "transpose", *changed) if len(changed) == 2 else t.method(x, "permute", *order)


def _only(counts: list[int]) -> int | None:
    """The axis that is cut or joined, if one is into or from several and all others stay."""
    found = [at for at, count in enumerate(counts) if count != 1]
    return found[0] if len(found) == 1 and counts[found[0]] else None


def _shape(o: "OnnxEmitter", dims: tuple[Dim, ...]) -> "OnnxValue":
    """A shape; a single symbolic length is left to the engine."""
    if sum(not isinstance(dim, int) for dim in dims) == 1:
        return o.constant([dim if isinstance(dim, int) else -1 for dim in dims], "i64")
    return o.shape(dims)


def _listed(names: "set[str] | list[str]") -> str:
    return ", ".join(f"`{name}`" for name in (sorted(names) if isinstance(names, set) else names))


OPERATORS = (Rearrange,)
