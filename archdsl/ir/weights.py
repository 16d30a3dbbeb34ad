"""Tensors of state: what an operator says of its weights, and weights that it borrows. Operators have these names from
`ir.operator`, with the rest of the contract."""

from typing import Literal

from archdsl.records import described, record


@record
class Init:
    """How a weight starts: `uniform` in [low, high), `normal` with mean `low` and standard deviation `high`, or
    `constant` equal to `low`. Equal ones are equal."""

    kind: Literal["uniform", "normal", "constant"]
    low: float = 0.0
    high: float = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Init) and (self.kind, self.low, self.high) == (other.kind, other.low, other.high)

    def __hash__(self) -> int:
        return hash((self.kind, self.low, self.high))

    __repr__ = described


ZEROS = Init("constant", 0.0)
ONES = Init("constant", 1.0)

WeightRole = Literal["weight", "bias", "normalisation", "embedding", "statistic", "counter"]
"""`statistic` is non-trainable state that counts as a buffer (running mean); `counter` is state that is not counted
(batch norm's step counter, which PyTorch keeps in the state dict)."""


@record
class Weight:
    """One tensor of state. Its path is the operator's path, a dot and `name`; an empty `name` means the path itself."""

    name: str
    shape: tuple[int, ...]
    init: Init
    role: WeightRole = "weight"
    dtype: str = "f32"

    @property
    def trainable(self) -> bool:
        return self.role not in ("statistic", "counter")

    @property
    def elements(self) -> int:
        count = 1
        for length in self.shape:
            count *= length
        return count


@record
class WeightRef:
    """A weight of another operator of the same function: `tokens.weight`, `transpose(encode.weight)`.

    `owner` is the `ir.program.Op` that owns the weight (typed loosely: the contract does not depend on the program).
    """

    owner: object
    label: str
    name: str
    shape: tuple[int, ...]
    transposed: bool = False

    def __repr__(self) -> str:
        text = f"{self.label}.{self.name}" if self.name else self.label
        return f"transpose({text})" if self.transposed else text

    @property
    def used_shape(self) -> tuple[int, ...]:
        """The shape as used: reversed when transposed."""
        return self.shape[::-1] if self.transposed else self.shape
