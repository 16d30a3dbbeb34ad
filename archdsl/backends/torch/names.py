"""Names: what the author wrote, made safe as Python identifiers."""

import builtins
import keyword
import re
from collections.abc import Container

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.ir.segments import objection
from archdsl.source import Span

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_AMBIGUOUS = ("l", "O", "I")
_OURS = frozenset(("self", "torch", "nn", "F", "_", "Tensor", "math"))
_BUILTINS = frozenset(dir(builtins))


def check_segment(segment: str, span: Span) -> None:
    """Refuse a path segment that cannot be a submodule of an `nn.Module` (E0701). Elaboration has done so for whatever
    came from a spec."""
    if message := objection(segment, top=False):
        raise ArchError([Diagnostic("E0701", message, span, "this names a submodule")])


def is_attribute(segment: str) -> bool:
    """Whether `self.segment` can be written."""
    return bool(_IDENTIFIER.match(segment)) and not keyword.iskeyword(segment)


def identifier(text: str, taken: Container[str] = ()) -> str:
    """An ASCII identifier that reads like `text` and shadows nothing the generated code uses."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "x"
    if name[0].isdigit():
        name = f"x{name}"
    if keyword.iskeyword(name) or name in _BUILTINS or name in _OURS or name in _AMBIGUOUS:
        name += "_"
    return unused(name, taken)


def unused(name: str, taken: Container[str]) -> str:
    """`name`, or the first of `name2`, `name3`, ... that is free."""
    if name not in taken:
        return name
    number = 2
    while f"{name}{number}" in taken:
        number += 1
    return f"{name}{number}"


def class_name(block: str) -> str:
    """CamelCase of a block's name, as the field writes it: `conv_bn_relu` is ConvBNReLU, `resnet` ResNet, `vgg`
    VGG."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", block) if word]
    name = "".join(map(_word, words)) or "Block"
    if name[0].isdigit():
        name = f"Block{name}"
    if name in _BUILTINS or name in _OURS or keyword.iskeyword(name):
        name += "Block"
    return name


_SPELLINGS = {
    "relu": "ReLU",
    "gelu": "GELU",
    "googlenet": "GoogLeNet",
    "vit": "ViT",
    "ae": "AE",
    "mbconv": "MBConv",
    "convnext": "ConvNeXt",
    "resnext": "ResNeXt",
}


def _word(word: str) -> str:
    if word != word.lower():
        return word[0].upper() + word[1:]
    digits = len(word) - len(word.rstrip("0123456789"))
    if digits and word[:-digits].isalpha():
        return _word(word[:-digits]) + word[-digits:]
    if word in _SPELLINGS:
        return _SPELLINGS[word]
    if word.endswith("net") and len(word) > 3:
        return word[:-3].capitalize() + "Net"
    if len(word) <= 4 and word.isalpha() and not set(word) & set("aeiouy"):
        return word.upper()
    return word.capitalize()


def plain_text(text: str) -> str:
    """Text for a docstring: control characters but the line break dropped, trailing white space too."""
    kept = "".join(c if c == "\n" or c >= " " else " " for c in text)
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip()
