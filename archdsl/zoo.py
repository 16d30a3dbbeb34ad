"""The networks that come with archdsl, named without a path: `archdsl count densenet`.

Their specs stand at the top of the repository, in `specs/`, and inside the package once it is installed. A name is that
of a file (`densenet`), or that of a model whose file has another name (`densenet_bc`). A file or folder of that name in
the working directory wins.
"""

import os
import re
from functools import cache

_HERE = os.path.dirname(os.path.abspath(__file__))
_FOLDERS = (os.path.join(_HERE, "specs"), os.path.join(os.path.dirname(_HERE), "specs"))
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MODEL = re.compile(r"^model\s+([A-Za-z_]\w*)", re.ASCII | re.MULTILINE)


def folder() -> str:
    """Where the specs are. Raises `FileNotFoundError` where the package was taken apart."""
    for path in _FOLDERS:
        if os.path.isfile(os.path.join(path, "resnet.arch")):
            return path
    raise FileNotFoundError(f"the specs that come with archdsl are not in {_FOLDERS[0]}")


def names() -> list[str]:
    """The names of the specs, in alphabetical order; none where they are not installed."""
    try:
        return sorted(entry[:-5] for entry in os.listdir(folder()) if entry.endswith(".arch"))
    except OSError:
        return []


def path(name: str) -> str:
    """The file of a spec."""
    return os.path.join(folder(), f"{name}.arch")


@cache
def models() -> dict[str, str]:
    """The models whose names are not those of their files, with their specs; none that two files have."""
    found: dict[str, list[str]] = {}
    for name in names():
        with open(path(name), encoding="utf-8") as stream:
            for model in _MODEL.findall(stream.read()):
                found.setdefault(model, []).append(name)
    return {model: specs[0] for model, specs in found.items() if len(specs) == 1 and specs[0] != model}


def locate(text: str) -> tuple[str, str | None]:
    """The meaning of a bare word on the command line: the file of a spec, and the model if it was that which was named.
    Anything else, and what is there under that name, is left as it is."""
    if not _NAME.fullmatch(text) or os.path.lexists(text):
        return text, None
    known = names()
    if text in known:
        return path(text), None
    spec = models().get(text) if known else None
    return (text, None) if spec is None else (path(spec), text)
