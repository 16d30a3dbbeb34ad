"""Parsing in one word, for tests."""

from collections.abc import Callable

import pytest

from archdsl.diagnostics.model import Diagnostic, Sink
from archdsl.limits import Limits
from archdsl.source import Source
from archdsl.syntax import ast
from archdsl.syntax.dump import dump
from archdsl.syntax.parser import parse


@pytest.fixture
def tree() -> Callable[..., ast.File]:
    """The tree of a text that has no mistakes."""

    def read(text: str) -> ast.File:
        sink = Sink()
        file = parse(Source("test.arch", text), sink)
        assert [f"{d.code} {d.message} {d.span}" for d in sink.found] == []
        assert file is not None
        return file

    return read


@pytest.fixture
def shape(tree: Callable[..., ast.File]) -> Callable[[str], str]:
    """The dump of a text that has no mistakes: equal for equal trees, whatever their layout."""
    return lambda text: dump(tree(text))


@pytest.fixture
def found() -> Callable[..., list[Diagnostic]]:
    """The diagnostics of a text."""

    def read(text: str, limits: Limits | None = None) -> list[Diagnostic]:
        sink = Sink()
        parse(Source("test.arch", text), sink, limits)
        return sink.found

    return read
