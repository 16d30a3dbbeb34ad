"""Names: what the author wrote, made safe as Python identifiers, and the diagnostics for names PyTorch cannot
hold."""

import builtins
import keyword
import re
from collections.abc import Container

from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.source import Span

MODULE_ATTRIBUTES = frozenset(
    [
        "T_destination",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
"""Public attributes of `torch.nn.Module`, which a submodule cannot be called by; a test compares them with
PyTorch's."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_AMBIGUOUS = ("l", "O", "I")
_OURS = frozenset(("self", "torch", "nn", "F", "_"))
_BUILTINS = frozenset(dir(builtins))


def check_segment(segment: str, span: Span) -> None:
    """Refuse a path segment that cannot be a submodule of an `nn.Module` (E0701)."""
    if segment in MODULE_ATTRIBUTES or (segment.startswith("_") and segment in _PRIVATE):
        message = f"`{segment}` cannot be the name of a PyTorch submodule: nn.Module has an attribute of that name"
    elif segment.startswith("__") and segment.strip("_"):
        message = f"a PyTorch submodule cannot be called `{segment}`: Python keeps names that start with `__` apart"
    elif not segment or "." in segment:
        message = f"a PyTorch submodule cannot be called {_quoted(segment)}"
    else:
        return
    help = 'give the call another label, for example `as "' + (segment.replace(".", "_") or "part") + '_"`'
    raise ArchError([Diagnostic("E0701", message, span, "this names a submodule", help=help)])


_PRIVATE = frozenset(
    [
        "_apply",
        "_backward_hooks",
        "_backward_pre_hooks",
        "_buffers",
        "_call_impl",
        "_compiled_call_impl",
        "_forward_hooks",
        "_forward_hooks_always_called",
        "_forward_hooks_with_kwargs",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_get_backward_hooks",
        "_get_backward_pre_hooks",
        "_get_name",
        "_is_full_backward_hook",
        "_load_from_state_dict",
        "_load_state_dict_post_hooks",
        "_load_state_dict_pre_hooks",
        "_maybe_warn_non_full_backward_hook",
        "_modules",
        "_named_members",
        "_non_persistent_buffers_set",
        "_parameters",
        "_register_load_state_dict_pre_hook",
        "_register_state_dict_hook",
        "_replicate_for_data_parallel",
        "_save_to_state_dict",
        "_slow_forward",
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_version",
        "_wrapped_call_impl",
    ]
)


def _quoted(segment: str) -> str:
    return f"`{segment}`" if segment else "nothing at all"


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
