"""The peak of what exists at once: iterations that are worked out once find what each of them would have found."""

import itertools
import random

import archdsl
from archdsl.analysis.liveness import LivenessModel

BLOCKS = """
block unit(c) [N, d] => [N, d] { linear(c) -> relu -> linear(d) }
block keep(c) [N, d] => [N, d] { h = linear(c) ; add { id | relu } -> linear(d) }
block pair(c) [N, d] { h = linear(c) ; [h -> linear(d), relu] }
block cut() [N, d] => [N, d] { reshape([N, 1, d]) -> reshape([N, d]) }
"""

STEPS = (
    "relu", "id", "linear(8)", "add { id | linear(8) }", "add { id | cut }", "unit(40)", "keep(24)", "cut",
    "cut -> relu", "add { id | first }", "add { first -> relu | id }", "h = relu\nunit(16)\n[id, h] -> add",
    "concat { id | second } -> linear(8)", "first -> cut", "[id, first -> cut] -> add", "split(2) -> concat", "first",
    "h = first -> cut\nlinear(8)\n[h, id] -> add", "add { unit(40) | second -> unit(24) }", "repeat 2 { unit(24) }",
    "a, b = split(2)\na -> linear(8)",
    "a, b = pair(40)\nb -> linear(8)", "a, b = pair(40)\n[b, a] -> add",
    "linear(100) -> relu\nlinear(8)", "repeat 3 { add { id | second } }",
)  # fmt: skip
"""Views, values from outside that are read in some iteration or all, values that end nowhere, blocks, loops."""


def peak(loop: str, chance: random.Random) -> tuple[str, str]:
    """The peak of some network with the loop in it, and of its last step."""
    body = "\n".join(chance.choice(STEPS) for _ in range(chance.randint(1, 4)))
    before = chance.choice(["", "relu", "linear(8)"])
    after = chance.choice(
        [
            "relu -> relu -> relu",
            "relu\n relu\n [id, first] -> add",
            "[id, second] -> add",
            "[first, second, id] -> add",
        ]
    )
    times = chance.choice([1, 2, 3, 4, 7])
    model = LivenessModel(
        archdsl.load(
            f"{BLOCKS}model m {{\n input x: f32[N, 8]\n first = linear(8)\n second = first -> cut\n {before}\n"
            f" {loop.format(times)} {{ {body} }}\n {after}\n output y\n}}"
        ).program
    )
    last = model.program.entry.nodes[-1]
    return str(model.peak), str(model.entry.parts[last])


def test_a_repeat_holds_as_much_as_the_same_steps_written_out() -> None:
    for seed in range(150):
        assert peak("repeat {}", random.Random(seed)) == peak("for _ in 0..{}", random.Random(seed)), seed


def test_a_repeat_that_hands_its_values_around_holds_as_much_as_the_same_steps_written_out() -> None:
    """What an iteration finds comes again only after several of them."""
    pairs = ("first, x", "x, first -> cut", "first, first -> cut", "second, first")
    bodies = (
        "u, v = id\n [v, u]", "u, v = id\n [v -> relu, u]", "u, v = id\n [v -> cut, u]",
        "u, v = id\n w = add { v | u } -> linear(80) -> linear(8)\n [v, w]",
        "u, v = id\n w = add { v | first }\n [w -> cut, u]",
    )  # fmt: skip
    cases = [(pair, body) for pair in pairs for body in bodies]
    rounds = ("[w, u, v]", "[w -> cut, u, v]", "[v -> linear(80) -> linear(8), w, u]", "[w, u, u]")
    cases += [(f"{pair}, second -> cut", f"u, v, w = id\n {body}") for pair in pairs for body in rounds]
    ends = ("concat -> relu -> relu -> linear(8)", "add -> relu -> relu")
    found: set[str] = set()
    text = (
        BLOCKS.replace("{", "{{").replace("}", "}}")
        + "model m {{\n input x: f32[N, 8]\n {}\n {} {{\n {}\n }}\n {}\n output y\n}}"
    )
    for (start, body), end, times in itertools.product(cases, ends, (2, 3, 4, 7, 8)):
        before = f"first = linear(8)\n second = x -> linear(8)\n [{start}]"
        model, written = (
            LivenessModel(archdsl.load(text.format(before, loop, body, end)).program)
            for loop in (f"repeat {times}", f"for _ in 0..{times}")
        )
        assert str(model.peak) == str(written.peak), (start, body, end, times)
        last = str(model.entry.parts[model.program.entry.nodes[-1]])
        assert last == str(written.entry.parts[written.program.entry.nodes[-1]]), (start, body, end, times)
        found.add(str(model.peak))
    assert len(found) > 5
