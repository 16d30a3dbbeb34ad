"""What PyTorch itself says about a module in training mode."""

import torch


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

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        alive.append(module(*inputs))
    return sum(found.values())
