"""Patterns of axes, as `rearrange` takes them: read with the place of every name, so that a mistake is shown inside the
string."""

import re
from collections.abc import Iterator
from typing import NoReturn

from archdsl.ir.operator import reject
from archdsl.records import record

Part = tuple[int, int]
"""Where something stands in the text, half open."""

ELLIPSIS = "..."

_TOKEN = re.compile(r"\s*(?:(?P<arrow>->)|(?P<name>[A-Za-z_]\w*)|(?P<dots>\.\.\.)|(?P<one>1(?!\d))|(?P<mark>[(),]))")


@record
class Axis:
    """One axis of a tensor as a pattern writes it: the names it is made of (none for `1`), outermost first."""

    names: list[str]
    places: list[Part]
    place: Part

    @property
    def bracketed(self) -> bool:
        return self.places != [self.place]


Side = list[Axis]


def read(text: str, example: str) -> tuple[Side, Side]:
    """The two sides of `n (g c) h w -> n (c g) h w`. Each name stands once on a side; `...` is any number of axes."""
    sides: list[Side] = [[]]
    opened: Axis | None = None
    for kind, token, place in _tokens(text, example):
        if kind == "arrow":
            if opened is not None or len(sides) == 2:
                _wrong("`->` stands here, but a bracket is open" if opened else "a second `->`", place, example)
            sides.append([])
        elif token == "(":
            if opened is not None:
                _wrong("brackets do not nest", place, example)
            opened = Axis([], [], place)
        elif token == ")":
            if opened is None:
                _wrong("this bracket was not opened", place, example)
            opened.place = (opened.place[0], place[1])
            sides[-1].append(opened)
            opened = None
        elif token == ",":
            _wrong("`,` has no meaning here", place, example)
        elif token == "1":
            if opened is None:
                sides[-1].append(Axis([], [], place))
        elif opened is not None:
            opened.names.append(token)
            opened.places.append(place)
        else:
            sides[-1].append(Axis([token], [place], place))
    if opened is not None:
        _wrong("this bracket is not closed", opened.place, example)
    if len(sides) != 2:
        _wrong("there is no `->`", (0, len(text)), example)
    for side in sides:
        _once(side, example)
    return sides[0], sides[1]


def _once(side: Side, example: str) -> None:
    seen: set[str] = set()
    for axis in side:
        for name, place in zip(axis.names, axis.places, strict=True):
            if name in seen:
                _wrong(f"`{name}` stands twice on one side", place, example)
            seen.add(name)


def _tokens(text: str, example: str) -> Iterator[tuple[str, str, Part]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            _wrong(f"`{text[start]}` has no meaning here", (start, start + 1), example)
        kind = match.lastgroup or ""
        yield kind, match[kind], match.span(kind)
        position = match.end()


def _wrong(message: str, part: Part, example: str) -> NoReturn:
    reject(message, at="pattern", within=part, help=f"a pattern reads like `{example}`", code="E0414")


def span_of(side: Side) -> Part | None:
    """Where a side stands in the text; None if it is empty."""
    return (side[0].place[0], side[-1].place[1]) if side else None
