"""Names that a segment of a parameter path cannot have, because PyTorch has another use for the name.

The names are data: checking a spec imports no framework. A test compares them with PyTorch's own."""

import keyword

_OF_MODULES = """
    T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
    eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
    modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad _apply
    _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks
    _forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs
    _get_backward_hooks _get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict
    _load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members
    _non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook _register_state_dict_hook
    _replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version
    _wrapped_call_impl
"""
_OF_TRACED_MODULES = """
    add_submodule code delete_all_unused_submodules delete_submodule graph meta print_readable recompile to_folder
    _boxed_call _code _create_node_hooks _deepcopy_hooks _deepcopy_init _erase_node_hooks _graph _guards_fn _in_spec
    _lineno_map _out_spec _prologue_start _recompile_submodules _register_create_node_hook _register_deepcopy_hook
    _register_erase_node_hook _register_replace_node_hook _replace_hooks _set_replace_hook _tracer_cls _tracer_extras
    _unregister_create_node_hook _unregister_deepcopy_hook _unregister_erase_node_hook _unregister_replace_node_hook
    _wrapped_call range_constraints shape_env validate_inputs self
"""
MODULE_ATTRIBUTES = frozenset(_OF_MODULES.split())
"""Attributes of `torch.nn.Module`, which a submodule cannot be called by."""
TRACED_ATTRIBUTES = frozenset(_OF_TRACED_MODULES.split())
"""Attributes of what `torch.fx.symbolic_trace` and `torch.export` make of a model. Blocks inside it are plain modules
there, so this is about the model's own parts only. In traced code `self` is a variable like any other."""


def objection(segment: str, top: bool) -> str:
    """Why a part cannot be called so in a model (`top`) or in a block; "" if it can."""
    if segment in MODULE_ATTRIBUTES:
        return f"`{segment}` cannot be the name of a PyTorch submodule: nn.Module has an attribute of that name"
    if top and segment in TRACED_ATTRIBUTES:
        return f"`{segment}` cannot be the name of a part of a model: torch.fx and torch.export use the name themselves"
    if keyword.iskeyword(segment):
        return f"a PyTorch submodule cannot be called `{segment}`: it is a keyword, and torch.fx writes Python"
    if segment.startswith("__") and segment.strip("_"):
        return f"a PyTorch submodule cannot be called `{segment}`: Python keeps names that start with `__` apart"
    if not segment or "." in segment:
        return f"a PyTorch submodule cannot be called {f'`{segment}`' if segment else 'nothing at all'}"
    return ""
