"""Sums of products over named axes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archdsl.ir.operator import Example, Operator, Work, arg, reject
from archdsl.ops import reaches, rules, traces
from archdsl.types.dims import Dim, equal, product
from archdsl.types.tensor import TensorType

if TYPE_CHECKING:
    from archdsl.ir.lowering import OnnxEmitter, OnnxValue, Tape, TorchEmitter, TorchExpr, TorchInput, Traced
    from archdsl.ir.reach import Relation

EXAMPLE = "bij,bjk->bik"

Letters = tuple[str, ...]


class Einsum(Operator):
    """Each letter is an axis. Elements of the inputs at equal letters are multiplied, and letters that the result lacks
    are summed over. The result is written out (`->`), no letter stands twice in one input, and equal letters have equal
    lengths: nothing is stretched."""

    name = "einsum"
    summary = "Sum of products over the axes that a pattern names"
    arity = None
    examples = (
        Example(
            'einsum("bij,bjk->bik")',
            ("f32[N, 3, 4]", "f32[N, 4, 5]"),
            "f32[N, 3, 5]",
            work="60*N matmul",
            reach="[a, b, *], [a, *, c]",
        ),
        Example(
            'einsum("btd,kd->btk")',
            ("f32[N, T, 4]", "f32[5, 4]"),
            "f32[N, T, 5]",
            work="20*N*T matmul",
            reach="[a, b, *], [c, *]",
        ),
        Example(
            'einsum("bhqd,bhkd->bhqk")',
            ("f32[2, 3, T, 4]", "f32[2, 3, T, 4]"),
            "f32[2, 3, T, T]",
            work="24*T**2 matmul",
            reach="[a, b, c, *], [a, b, d, *]",
        ),
        Example(
            'einsum("bqhd,bkhd->bhqk")',
            ("f32[2, 3, 2, 4]", "f32[2, 5, 2, 4]"),
            "f32[2, 2, 3, 5]",
            work="240 matmul",
            reach="[a, c, b, *], [a, d, b, *]",
        ),
        Example(
            'einsum("nchw,cd->ndhw")',
            ("f32[N, 3, H, 4]", "f32[3, 5]"),
            "f32[N, 5, H, 4]",
            work="60*H*N matmul",
            reach="[a, *, c, d], [*, b]",
        ),
        Example('einsum("ij,ij->i")', ("f32[3, 4]", "f32[3, 4]"), "f32[3]", work="12 matmul", reach="[a, *], [a, *]"),
        Example(
            'einsum("ia,ib->iab")',
            ("f32[N, 3]", "f32[N, 4]"),
            "f32[N, 3, 4]",
            work="12*N elementwise",
            reach="[a, b], [a, c]",
        ),
        Example(
            'einsum("ijk,jl->il")',
            ("f32[2, 3, 4]", "f32[3, 5]"),
            "f32[2, 5]",
            work="30 matmul, 24 elementwise",
            reach="[a, *, *], [*, b]",
        ),
        Example(
            'einsum("ij,jk,kl->il")',
            ("f32[N, 3]", "f32[3, 4]", "f32[4, 5]"),
            "f32[N, 5]",
            work="32*N matmul",
            reach="[a, *], [*, *], [*, b]",
        ),
        Example('einsum("nij->nji")', ("f32[N, 3, 4]",), "f32[N, 4, 3]", reach="[a, c, b]"),
        Example('einsum("nij->n")', ("f32[N, 3, T]",), "f32[N]", work="3*N*T elementwise", reach="[a, *, *]"),
        Example('einsum("nij->n")', ("f32[2, 1, 1]",), "f32[2]", reach="[a, *, *]"),
        Example(
            'einsum("ia,ib->i")',
            ("f32[N, 1]", "f32[N, 4]"),
            "f32[N]",
            work="5*N elementwise",
            reach="[a, *], [a, *]",
        ),
    )

    pattern: str = arg("string", f"letters of each input's axes, then those of the result: `{EXAMPLE}`")

    # ------------------------------------------------------------------------------------------------- the pattern

    def _read(self) -> list[list[tuple[str, int]]]:
        """The letters of each input and, last, of the result, with their places in the text."""
        terms: list[list[tuple[str, int]]] = [[]]
        arrow = False
        skip: int | None = None
        for at, mark in enumerate(self.pattern):
            if mark.isspace() or at == skip:
                continue
            if self.pattern.startswith("->", at) and not arrow:
                arrow, skip = True, at + 1
                terms.append([])
            elif mark == "," and not arrow:
                terms.append([])
            elif not (mark.isascii() and mark.isalpha()):
                self._wrong(
                    "`...` is not read here: name every axis" if mark == "." else f"`{mark}` has no meaning here", at
                )
            elif any(mark == letter for letter, _ in terms[-1]):
                self._wrong(f"`{mark}` stands twice in {'the result' if arrow else 'one input'}", at)
            else:
                terms[-1].append((mark, at))
        if not arrow:
            reject(
                "there is no `->`",
                at="pattern",
                within=(0, len(self.pattern)),
                help=f"a pattern reads like `{EXAMPLE}`",
                code="E0414",
            )
        return terms

    @staticmethod
    def _wrong(message: str, at: int) -> None:
        help = f"a pattern reads like `{EXAMPLE}`"
        reject(message, at="pattern", within=(at, at + 1), help=help, code="E0414")

    def _letters(self) -> tuple[list[Letters], Letters]:
        *inputs, result = (tuple(letter for letter, _ in term) for term in self._read())
        return inputs, result

    def infer(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        rules.require_f32(*inputs)
        *terms, result = self._read()
        if len(terms) != len(inputs):
            count = "tensor flows" if len(inputs) == 1 else "tensors flow"
            reject(
                f"the pattern names {len(terms)} inputs, but {len(inputs)} {count} here",
                at="pattern",
                expected=str(len(terms)),
                found=str(len(inputs)),
                code="E0413",
            )
        lengths: dict[str, Dim] = {}
        for term, x in zip(terms, inputs, strict=True):
            if len(term) != x.rank:
                reject(
                    f"{len(term)} letters stand for the {x.rank} axes of {x}",
                    at="pattern",
                    within=(term[0][1], term[-1][1] + 1) if term else None,
                    expected=f"{x.rank} letters",
                    found=str(len(term)),
                    code="E0407",
                )
            for (letter, at), dim in zip(term, x.dims, strict=True):
                known = lengths.setdefault(letter, dim)
                if equal(known, dim) is not True:
                    reject(
                        f"`{letter}` is {known} before and {dim} here",
                        at="pattern",
                        within=(at, at + 1),
                        expected=str(known),
                        found=str(dim),
                        help="" if equal(known, dim) is False else rules.unproven(known, dim),
                        code="E0402",
                    )
        for letter, at in result:
            if letter not in lengths:
                reject(
                    f"no input has an axis `{letter}`",
                    at="pattern",
                    within=(at, at + 1),
                    expected=f"one of {', '.join(lengths)}",
                    help="`repeat_dim` makes an axis longer",
                    code="E0408",
                )
        return (TensorType(tuple(lengths[letter] for letter, _ in result)),)

    # ------------------------------------------------------------------------------------------------------- cost

    def _lengths(self, inputs: Sequence[TensorType]) -> dict[str, Dim]:
        return {
            letter: dim
            for term, x in zip(self._letters()[0], inputs, strict=True)
            for letter, dim in zip(term, x.dims, strict=True)
        }

    def _steps(self, lengths: dict[str, Dim]) -> Iterator[tuple[Letters, Letters, Letters, Letters]]:
        """The inputs taken together from left to right: for each step the letters of both sides that are summed before,
        of one side alone; then those that are multiplied over, and of these those that are summed. An axis of length 1
        takes no part."""
        terms, result = self._letters()
        terms = [tuple(letter for letter in term if lengths[letter] != 1) for term in terms]
        left = terms[0]
        for at in range(1, len(terms)):
            right = terms[at]
            later = {*result, *(letter for term in terms[at + 1 :] for letter in term)}
            early_left = tuple(letter for letter in left if letter not in right and letter not in later)
            early_right = tuple(letter for letter in right if letter not in left and letter not in later)
            over = tuple(
                letter
                for letter in dict.fromkeys(left + right)
                if letter not in early_left and letter not in early_right
            )
            summed = tuple(letter for letter in over if letter not in later)
            yield early_left, early_right, over, summed
            left = tuple(letter for letter in over if letter not in summed)

    def work(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> Work:
        """Two inputs: MACs are the product of the lengths of all letters, those apart that one input has alone and the
        result lacks: they are summed first, an addition per element. Where nothing is summed over both, products are
        element-wise. More inputs are taken from left to right, two at a time, whatever order an engine may find
        better. One input: an addition per element, if anything is summed. An axis of length 1 is no letter here: over
        it nothing is summed."""
        lengths = self._lengths(inputs)
        if len(inputs) == 1:
            summed = product(lengths.values()) != outputs[0].elements
            return {"elementwise": inputs[0].elements if summed else 0}
        macs: Dim = 0
        elementwise: Dim = 0
        left = inputs[0].elements
        for (early_left, early_right, over, summed), right in zip(self._steps(lengths), inputs[1:], strict=True):
            elementwise = elementwise + (left if early_left else 0) + (right.elements if early_right else 0)
            amount = product(lengths[letter] for letter in over)
            macs, elementwise = (macs + amount, elementwise) if summed else (macs, elementwise + amount)
            left = product(lengths[letter] for letter in over if letter not in summed)
        return {"matmul": macs, "elementwise": elementwise}

    def reach(self, inputs: tuple[TensorType, ...], outputs: tuple[TensorType, ...]) -> "Relation":
        """The axes that are summed over whole."""
        terms, result = self._letters()
        row = [
            reaches.moved([result.index(letter) if letter in result else None for letter in term])[0][0]
            for term in terms
        ]
        return (tuple(row),)

    # -------------------------------------------------------------------------------------------------- lowerings

    def torch(self, t: "TorchEmitter", *inputs: "TorchInput") -> "TorchExpr":
        terms, result = self._letters()
        return t.call("torch.einsum", f"{','.join(map(''.join, terms))}->{''.join(result)}", *inputs)

    def autograd(self, tape: "Tape", *inputs: "Traced") -> "Traced":
        """As PyTorch puts it together: every input has an axis for every letter, those of the result first, of length 1
        where it lacks the letter. Axes of one side are summed; then the axes that both sides and the result have, those
        of the left, those that are summed and those of the right are joined each, which may copy, for a product of
        stacks of matrices, which keeps both. The sides change places where the result has all axes of the right before
        those of the left. Where nothing is summed it is an element-wise product."""
        lengths = self._lengths([x.type for x in inputs])
        terms, result = self._letters()
        order = (*result, *sorted(lengths.keys() - set(result)))

        def full(letters: set[str]) -> TensorType:
            return TensorType(tuple(lengths[letter] if letter in letters else 1 for letter in order))

        sides = [
            (
                tape.aligned(x, [term.index(letter) if letter in term else None for letter in order]),
                {letter for letter in term if lengths[letter] != 1},
            )
            for x, term in zip(inputs, terms, strict=True)
        ]
        left, letters = sides[0]
        if len(inputs) == 1 and len(result) < len(terms[0]):  # over axes of length 1, too
            letters = letters & set(result)
            left = tape.new(full(letters), left)
        for step, (right, others) in zip(self._steps(lengths), sides[1:], strict=True):
            early_left, early_right, over, summed = step
            if early_left:
                letters = letters - set(early_left)
                left = tape.new(full(letters), left)
            if early_right:
                others = others - set(early_right)
                right = tape.new(full(others), right)
            if not summed:
                left, letters = traces.mul(tape, left, right), letters | others
                continue
            inner = tuple(letter for letter in order if letter in summed)
            both = tuple(letter for letter in order if letter in letters & others and letter not in summed)
            rows = tuple(letter for letter in order if letter in letters - others)
            columns = tuple(letter for letter in order if letter not in {*both, *rows, *inner})
            if rows and columns and order.index(columns[-1]) < order.index(rows[0]):
                left, right, rows, columns = right, left, columns, rows
            present = letters | others
            groups = [
                product(lengths[letter] if letter in present else 1 for letter in group)
                for group in (both, rows, inner, columns)
            ]
            stack, height, depth, width = groups
            a = tape.permute(left, [order.index(letter) for letter in both + rows + inner + columns])
            b = tape.permute(right, [order.index(letter) for letter in both + inner + columns + rows])
            a, b = tape.reshape(a, (stack, height, depth)), tape.reshape(b, (stack, depth, width))
            y = traces.mm(tape, a, b, product(lengths[letter] for letter in over), TensorType((stack, height, width)))
            letters = present - set(summed)
            made = both + rows + inner + columns
            y = tape.reshape(y, [lengths[letter] if letter in letters else 1 for letter in made])
            left = tape.aligned(y, [made.index(letter) for letter in order])
        left = tape.permute(left, range(len(order)))
        return tape.reshape(left, [lengths[letter] for letter in result])

    def onnx(self, o: "OnnxEmitter", *inputs: "OnnxValue") -> "OnnxValue":
        """`MatMul` where the axes lie as it takes them, but for the last two of an input; else `Einsum`."""
        terms, result = self._letters()
        if len(inputs) == 2:
            found = _matmul(o, inputs[0], inputs[1], terms[0], terms[1], result)
            if found is not None:
                return found
        return o.node("Einsum", *inputs, equation=f"{','.join(map(''.join, terms))}->{''.join(result)}")


def _matmul(
    o: "OnnxEmitter", a: "OnnxValue", b: "OnnxValue", left: Letters, right: Letters, result: Letters
) -> "OnnxValue | None":
    inner = [letter for letter in left if letter in right and letter not in result]
    if len(inner) != 1 or len(right) < 2 or len(left) < 2:
        return None
    (shared,) = inner
    batch = right[:-2]
    columns = [letter for letter in right[-2:] if letter != shared]
    if len(columns) != 1 or columns[0] in left:
        return None
    a_turned = left[-1] != shared
    if a_turned and left[-2] != shared:
        return None
    rows = left[-1] if a_turned else left[-2]
    leading = left[:-2]
    if result != (*leading, rows, columns[0]) or (batch and batch != leading):
        return None
    return o.node("MatMul", _turned(o, a) if a_turned else a, _turned(o, b) if right[-1] == shared else b)


def _turned(o: "OnnxEmitter", x: "OnnxValue") -> "OnnxValue":
    rank = x.type.rank
    return o.node("Transpose", x, perm=(*range(rank - 2), rank - 1, rank - 2))


OPERATORS = (Einsum,)
