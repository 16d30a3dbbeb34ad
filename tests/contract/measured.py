"""What PyTorch itself says about a module in training mode."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def mkldnn(enabled: bool) -> Iterator[None]:
    """PyTorch with or without oneDNN, whose switch warns about GPUs that are not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with torch.backends.mkldnn.flags(enabled=enabled):
            yield


def kept_bytes(module: torch.nn.Module, *inputs: torch.Tensor) -> int:
    """Bytes that autograd keeps of one forward pass: of every storage of which a tensor is saved, once; parameters,
    buffers and the inputs apart."""
    apart = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers(), *inputs)}
    found: dict[int, int] = {}
    alive: list[object] = []  # so that no address is used again

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        alive.append(tensor)
        if storage.data_ptr() not in apart:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    # oneDNN keeps a workspace for a whole LSTM, of a size that is its own business; PyTorch's own code does not.
    fused = not any(isinstance(part, torch.nn.LSTM) for part in module.modules())
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), mkldnn(fused):
        alive.append(module(*inputs))
    return sum(found.values())
