"""Every rule by which an operator refuses its arguments or inputs: the code, and the place that is blamed."""

# ruff: noqa: E501  (a table reads best with one row to a line)

from pathlib import Path

import pytest
from contract_cases import model_text

from archdsl.api import load
from archdsl.diagnostics.codes.ops_codes import CODES
from archdsl.diagnostics.model import ArchError

IMAGE = "f32[N, 6, 8, 8]"

# claim, call, inputs, code, the text that is pointed at ("" for the operator)
REJECTIONS: list[tuple[str, str, tuple[str, ...], str, str]] = [
    ("conv rejects groups that do not divide input channels", "conv(8, 3, groups = 4)", (IMAGE,), "E0404", "groups = 4"),
    ("conv rejects groups that do not divide output channels", "conv(8, 3, groups = 3)", (IMAGE,), "E0404", "groups = 3"),
    ("conv rejects integers", "conv(8, 3)", ("i64[N, 6, 8, 8]",), "E0403", ""),
    ("conv rejects half precision inputs", "conv(8, 3)", ("f16[N, 6, 8, 8]",), "E0403", ""),
    ("conv rejects a matrix", "conv(8, 3)", ("f32[N, 6]",), "E0407", ""),
    ("conv rejects four spatial axes", "conv(8, 3)", ("f32[N, 6, 8, 8, 8, 8]",), "E0407", ""),
    ("conv rejects symbolic channels", "conv(8, 3)", ("f32[N, C, 8, 8]",), "E0405", ""),
    ("conv rejects a window larger than the image", "conv(8, 9, padding = 0)", (IMAGE,), "E0406", "9"),
    ("conv rejects a kernel list of another length", "conv(8, [3])", (IMAGE,), "E0411", "[3]"),
    ("conv rejects a stride list of another length", "conv(8, 3, [1, 1, 1])", (IMAGE,), "E0411", "[1, 1, 1]"),
    ("conv rejects a padding list of another length", "conv(8, 3, padding = [1])", (IMAGE,), "E0411", "padding = [1]"),
    ("conv rejects a dilation list of another length", "conv(8, 3, dilation = [1])", (IMAGE,), "E0411", "dilation = [1]"),
    ("conv rejects a start for a bias it has not", "conv(8, 3, !bias, bias_init = 1.0)", (IMAGE,), "E0412", "bias_init = 1.0"),
    ("conv_transpose rejects groups that do not divide input channels", "conv_transpose(8, 2, groups = 4)", (IMAGE,), "E0404", "groups = 4"),
    ("conv_transpose rejects groups that do not divide output channels", "conv_transpose(8, 2, groups = 3)", (IMAGE,), "E0404", "groups = 3"),
    ("conv_transpose rejects an output padding as large as the stride", "conv_transpose(8, 2, 2, output_padding = 2)", (IMAGE,), "E0412", "output_padding = 2"),
    ("conv_transpose rejects a padding that leaves nothing", "conv_transpose(8, 2, padding = 5)", (IMAGE,), "E0406", "padding = 5"),
    ("conv_transpose rejects integers", "conv_transpose(8, 2)", ("i64[N, 6, 8, 8]",), "E0403", ""),
    ("conv_transpose rejects symbolic channels", "conv_transpose(8, 2)", ("f32[N, C, 8, 8]",), "E0405", ""),
    ("linear rejects a vector", "linear(4)", ("f32[6]",), "E0407", ""),
    ("linear rejects symbolic features", "linear(4)", ("f32[N, T]",), "E0405", ""),
    ("linear rejects integers", "linear(4)", ("i64[N, 6]",), "E0403", ""),
    ("linear rejects a start for a bias it has not", "linear(4, !bias, bias_init = 1.0)", ("f32[N, 6]",), "E0412", "bias_init = 1.0"),
    ("embedding rejects real numbers", "embedding(4, 2)", ("f32[N, T]",), "E0403", ""),
    ("matmul rejects inner lengths that differ", "matmul", ("f32[N, 3, 4]", "f32[N, 3, 4]"), "E0402", ""),
    ("matmul rejects batches that differ", "matmul", ("f32[2, 3, 4]", "f32[3, 4, 3]"), "E0402", ""),
    ("matmul rejects vectors", "matmul", ("f32[3]", "f32[3, 4]"), "E0407", ""),
    ("batch_norm rejects symbolic channels", "bn", ("f32[N, C, 8, 8]",), "E0405", ""),
    ("batch_norm rejects a vector", "bn", ("f32[N]",), "E0407", ""),
    ("batch_norm rejects integers", "bn", ("i64[N, 3]",), "E0403", ""),
    ("layer_norm rejects normalising the batch", "layer_norm(axes = 2)", ("f32[N, 3]",), "E0408", "axes = 2"),
    ("layer_norm rejects a symbolic axis", "layer_norm(axes = 2)", ("f32[N, T, 3]",), "E0405", ""),
    ("layer_norm rejects integers", "layer_norm", ("i64[N, 3]",), "E0403", ""),
    ("layer_norm rejects a number", "layer_norm", ("f32[]",), "E0407", ""),
    ("rms_norm rejects a number", "rms_norm", ("f32[]",), "E0407", ""),
    ("conv rejects a start beyond f32", "conv(8, 3, bias_init = 1e39)", (IMAGE,), "E0305", "bias_init = 1e39"),
    ("avg_pool rejects a stride beyond i32", "avg_pool(3, stride = 2**40)", (IMAGE,), "E0305", "stride = 2**40"),
    ("constant rejects an i64 beyond its range", "constant(1e300, dtype = \"i64\")", (IMAGE,), "E0401", "1e300"),
    ("lrn rejects a window beyond i32", "lrn(2**40)", (IMAGE,), "E0305", "2**40"),
    ("instance_norm rejects one position", "instance_norm", ("f32[N, 3, 1]",), "E0406", ""),
    ("rms_norm rejects normalising the batch", "rms_norm(axes = 3)", ("f32[N, 3, 4]",), "E0408", "axes = 3"),
    ("group_norm rejects groups that do not divide the channels", "group_norm(4)", (IMAGE,), "E0404", "4"),
    ("group_norm rejects symbolic channels", "group_norm(2)", ("f32[N, C, 3]",), "E0405", ""),
    ("instance_norm rejects a matrix", "instance_norm", ("f32[N, 3]",), "E0407", ""),
    ("lrn rejects a matrix", "lrn", ("f32[N, 3]",), "E0407", ""),
    ("relu rejects integers", "relu", ("i64[N, 3]",), "E0403", ""),
    ("prelu rejects a number of slopes that is not the channels", "prelu(4)", (IMAGE,), "E0402", "4"),
    ("prelu rejects a vector", "prelu", ("f32[N]",), "E0407", ""),
    ("softmax rejects an axis past the end", "softmax(axis = 4)", (IMAGE,), "E0408", "axis = 4"),
    ("softmax rejects an axis before the start", "softmax(-5)", (IMAGE,), "E0408", "-5"),
    ("dropout rejects integers", "dropout", ("i64[N, 3]",), "E0403", ""),
    ("drop_path rejects a scalar", "drop_path", ("f32[]",), "E0407", ""),
    ("max_pool rejects a window larger than the image", "max_pool(9)", (IMAGE,), "E0406", "9"),
    ("max_pool rejects a padding of more than half the window", "max_pool(3, padding = 2)", (IMAGE,), "E0406", "padding = 2"),
    ("max_pool rejects same padding that a dilation makes too wide", "max_pool(3, 1, same, dilation = 2)", (IMAGE,), "E0406", "same"),
    ("max_pool rejects a matrix", "max_pool(2)", ("f32[N, 3]",), "E0407", ""),
    ("max_pool rejects a dilation list of another length", "max_pool(2, dilation = [1])", (IMAGE,), "E0411", "dilation = [1]"),
    ("max_pool rejects a ceiling that depends on a symbol", "max_pool(1, stride = 2, ceil_mode)", ("f32[N, 3, T]",), "E0409", "stride = 2"),
    ("avg_pool rejects a ceiling that depends on a symbol", "avg_pool(2, 2, 1, ceil_mode)", ("f32[N, 3, T]",), "E0409", "2"),
    ("avg_pool rejects integers", "avg_pool(2)", ("i64[N, 3, 4]",), "E0403", ""),
    ("global_avg_pool rejects a matrix", "global_avg_pool", ("f32[N, 3]",), "E0407", ""),
    ("adaptive_avg_pool rejects a symbolic image", "adaptive_avg_pool(2)", ("f32[N, 3, H]",), "E0405", ""),
    ("adaptive_avg_pool rejects a size list of another length", "adaptive_avg_pool([2])", (IMAGE,), "E0411", "[2]"),
    ("add rejects lengths that differ", "add", ("f32[N, 3]", "f32[N, 4]"), "E0402", ""),
    ("add rejects lengths that may differ", "add", ("f32[N, H]", "f32[N, W]"), "E0402", ""),
    ("add rejects ranks that differ", "add", ("f32[N, 3]", "f32[N, 3, 1]"), "E0407", ""),
    ("add rejects dtypes that differ", "add", ("f32[N, 3]", "i64[N, 3]"), "E0403", ""),
    ("add rejects truth values", "add", ("bool[N, 3]", "bool[N, 3]"), "E0403", ""),
    ("sub rejects a single input", "sub", (IMAGE,), "E0413", ""),
    ("div rejects a single input", "div", (IMAGE,), "E0413", ""),
    ("div rejects integers", "div", ("i64[N, 3]", "i64[N, 3]"), "E0403", ""),
    ("mean rejects integers", "mean", ("i64[N, 3]", "i64[N, 3]"), "E0403", ""),
    ("concat rejects other axes that differ", "concat", ("f32[N, 3, 4]", "f32[N, 3, 5]"), "E0402", ""),
    ("concat rejects other axes that may differ", "concat", ("f32[N, 3, 2*H]", "f32[N, 3, W]"), "E0402", ""),
    ("concat rejects ranks that differ", "concat", ("f32[N, 3]", "f32[N, 3, 5]"), "E0407", ""),
    ("concat rejects dtypes that differ", "concat", ("f32[N, 3]", "i64[N, 3]"), "E0403", ""),
    ("concat rejects an axis past the end", "concat(axis = 2)", ("f32[N, 3]", "f32[N, 3]"), "E0408", "axis = 2"),
    ("join rejects shapes that differ", "join", ("f32[N, 3]", "f32[N, 1]"), "E0402", ""),
    ("join rejects a column that is no whole number", "join(0.1, column = x1)", ("f32[N, 3]", "f32[]"), "E0403", "column = x1"),
    ("join rejects ranks that differ", "join", ("f32[N, 3]", "f32[N, 3, 1]"), "E0407", ""),
    ("attention rejects images", "attention", (IMAGE, IMAGE, IMAGE), "E0407", ""),
    ("attention rejects batches that differ", "attention", ("f32[2, T, 4]", "f32[3, T, 4]", "f32[3, T, 4]"), "E0402", ""),
    ("attention rejects value batches that differ", "attention", ("f32[2, T, 4]", "f32[2, T, 4]", "f32[3, T, 4]"), "E0402", ""),
    ("attention rejects fewer values than keys", "attention", ("f32[N, 5, 4]", "f32[N, 6, 4]", "f32[N, 5, 4]"), "E0402", ""),
    ("attention rejects keys of another width", "attention", ("f32[N, T, 4]", "f32[N, T, 6]", "f32[N, T, 4]"), "E0402", ""),
    ("attention rejects heads that do not divide queries", "attention(3)", ("f32[N, T, 4]",) * 3, "E0404", "3"),
    ("attention rejects heads that do not divide values", "attention(2)", ("f32[N, T, 4]", "f32[N, T, 4]", "f32[N, T, 3]"), "E0404", "2"),
    ("attention rejects a symbolic width", "attention", ("f32[N, T, d]",) * 3, "E0405", ""),
    ("attention rejects a causal mask across sequences", "attention(causal)", ("f32[N, 5, 4]", "f32[N, 6, 4]", "f32[N, 6, 4]"), "E0402", "causal"),
    ("attention rejects integers", "attention", ("i64[N, T, 4]",) * 3, "E0403", ""),
    ("lstm rejects a matrix", "lstm(4)", ("f32[N, 3]",), "E0407", ""),
    ("lstm rejects symbolic features", "lstm(4)", ("f32[N, T, d]",), "E0405", ""),
    ("lstm rejects integers", "lstm(4)", ("i64[N, T, 3]",), "E0403", ""),
    ("lstm rejects a first state of another width", "lstm(4)", ("f32[N, T, 3]", "f32[1, N, 4]", "f32[1, N, 3]"), "E0402", ""),
    ("lstm rejects first states batch first", "lstm(4)", ("f32[N, T, 3]", "f32[N, 1, 4]", "f32[N, 1, 4]"), "E0402", ""),
    ("lstm rejects an h without a c", "lstm(4)", ("f32[N, T, 3]", "f32[1, N, 4]"), "E0506", ""),
    ("gru rejects a first state of one direction for two", "gru(4, bidirectional)", ("f32[N, T, 3]", "f32[1, N, 4]"), "E0402", ""),
    ("gru rejects a c", "gru(4)", ("f32[N, T, 3]", "f32[1, N, 4]", "f32[1, N, 4]"), "E0506", ""),
    ("rnn rejects another width where the input has no weight", "rnn(4, skip_input)", ("f32[N, T, 3]",), "E0402", "4"),
    ("rnn rejects several layers where the input has no weight", "rnn(3, 2, skip_input)", ("f32[N, T, 3]",), "E0412", "2"),
    ("split rejects a number that does not divide", "split(4)", (IMAGE,), "E0404", "4"),
    ("split rejects a symbolic length it cannot divide", "split(2)", ("f32[N, T]",), "E0404", "2"),
    ("split rejects lengths that do not add up", "split([2, 3])", (IMAGE,), "E0402", "[2, 3]"),
    ("split rejects an axis past the end", "split(2, axis = 4)", (IMAGE,), "E0408", "axis = 4"),
    ("slice rejects a stop past the end", "slice(0, 7)", (IMAGE,), "E0408", "7"),
    ("slice rejects a start past the end", "slice(7)", (IMAGE,), "E0408", "7"),
    ("slice rejects an empty range", "slice(3, 3)", (IMAGE,), "E0408", "3"),
    ("slice rejects a range to the end that is empty", "slice(6)", (IMAGE,), "E0408", "6"),
    ("slice rejects a stop that depends on a symbol", "slice(0, 5)", ("f32[N, T]",), "E0409", "5"),
    ("slice rejects a start that depends on a symbol", "slice(-3)", ("f32[N, T]",), "E0409", "-3"),
    ("select rejects a position past the end", "select([0, 6])", (IMAGE,), "E0408", "[0, 6]"),
    ("select rejects no position", "select([])", (IMAGE,), "E0408", "[]"),
    ("select rejects a symbolic axis", "select([0])", ("f32[N, T]",), "E0405", ""),
    ("flatten rejects a start after the end", "flatten(3, 1)", (IMAGE,), "E0408", "3"),
    ("flatten rejects an end past the end", "flatten(1, 4)", (IMAGE,), "E0408", "4"),
    ("reshape rejects another number of elements", "reshape([2, 5])", ("f32[2, 6]",), "E0402", "[2, 5]"),
    ("reshape rejects a rest that is not whole", "reshape([-1, 5])", ("f32[2, 6]",), "E0402", "[-1, 5]"),
    ("reshape rejects two open axes", "reshape([-1, -1])", ("f32[2, 6]",), "E0412", "[-1, -1]"),
    ("reshape rejects a length below one", "reshape([0, 5])", ("f32[2, 6]",), "E0401", "[0, 5]"),
    ("transpose rejects an axis past the end", "transpose(1, 4)", (IMAGE,), "E0408", "4"),
    ("permute rejects a missing axis", "permute([0, 1, 2])", (IMAGE,), "E0411", "[0, 1, 2]"),
    ("permute rejects an axis named twice", "permute([0, 1, 2, -2])", (IMAGE,), "E0408", "[0, 1, 2, -2]"),
    ("squeeze rejects an axis that is not 1", "squeeze(1)", (IMAGE,), "E0402", "1"),
    ("squeeze rejects a symbolic axis", "squeeze(1)", ("f32[N, T]",), "E0402", "1"),
    ("unsqueeze rejects an axis past the end", "unsqueeze(5)", (IMAGE,), "E0408", "5"),
    ("pad rejects three amounts", "pad([1, 2, 3])", (IMAGE,), "E0411", "[1, 2, 3]"),
    ("pad rejects no axis", "pad(1, axis = [])", (IMAGE,), "E0411", "axis = []"),
    ("pad rejects integers", "pad(1)", ("i64[N, 3]",), "E0403", ""),
    ("resize rejects a scale and a size", "resize(2, size = 8)", (IMAGE,), "E0412", "size = 8"),
    ("resize rejects neither a scale nor a size", "resize", (IMAGE,), "E0412", ""),
    ("resize rejects a scale list of another length", "resize([2])", (IMAGE,), "E0411", "[2]"),
    ("resize rejects a matrix", "resize(2)", ("f32[N, 3]",), "E0407", ""),
    ("reduce_mean rejects an axis past the end", "reduce_mean(4)", (IMAGE,), "E0408", "4"),
    ("reduce_sum rejects an axis named twice", "reduce_sum([1, -3])", (IMAGE,), "E0408", "[1, -3]"),
    ("reduce_max rejects no axis", "reduce_max([])", (IMAGE,), "E0411", "[]"),
    ("linear rejects a spread for a weight it borrows", "linear(6) as a -> linear(6, tie = a.weight, std = 0.1)", ("f32[N, 6]",), "E0412", "std = 0.1"),
    ("glu rejects an odd axis", "glu", ("f32[N, 3]",), "E0404", ""),
    ("glu rejects an axis that may be odd", "glu(1)", ("f32[N, T, 3]",), "E0404", "1"),
    ("glu rejects integers", "glu", ("i64[N, 4]",), "E0403", ""),
    ("lp_pool rejects a window larger than the image", "lp_pool(2, 9)", (IMAGE,), "E0406", "9"),
    ("lp_pool rejects a matrix", "lp_pool(2, 2)", ("f32[N, 3]",), "E0407", ""),
    ("lp_pool rejects an exponent of zero", "lp_pool(0, 2)", (IMAGE,), "E0305", "0"),
    ("stack rejects lengths that differ", "stack", ("f32[N, 3]", "f32[N, 1]"), "E0402", ""),
    ("stack rejects ranks that differ", "stack", ("f32[N, 3]", "f32[N, 3, 1]"), "E0407", ""),
    ("stack rejects dtypes that differ", "stack", ("f32[N, 3]", "i64[N, 3]"), "E0403", ""),
    ("stack rejects an axis past the end", "stack(axis = 3)", ("f32[N, 3]", "f32[N, 3]"), "E0408", "axis = 3"),
    ("repeat_dim rejects an axis that is not 1", "repeat_dim(4, 1)", ("f32[N, 3]",), "E0402", "1"),
    ("repeat_dim rejects a symbolic axis", "repeat_dim(4)", ("f32[N, 1]",), "E0402", ""),
    ("repeat_dim rejects no times", "repeat_dim(0, 1)", ("f32[N, 1]",), "E0305", "0"),
    ("repeat_dim rejects an axis past the end", "repeat_dim(2, 2)", ("f32[N, 1]",), "E0408", "2"),
    ("constant rejects lists of different lengths", "constant([[1, 2], [3]])", (), "E0411", "[[1, 2], [3]]"),
    ("constant rejects a number beside a list", "constant([[1, 2], 3])", (), "E0411", "[[1, 2], 3]"),
    ("constant rejects a list beside a number", "constant([1, [2]])", (), "E0411", "[1, [2]]"),
    ("constant rejects an empty list", "constant([])", (), "E0411", "[]"),
    ("constant rejects a fraction among integers", 'constant([1, 0.5], dtype = "i64")', (), "E0412", "[1, 0.5]"),
    ("constant rejects what f32 cannot hold", "constant(1e39)", (), "E0401", "1e39"),
    ("pad rejects copies along the channels", 'pad(1, mode = "reflect")', (IMAGE,), "E0408", ""),
    ("pad rejects copies of a matrix", 'pad(1, axis = -1, mode = "replicate")', ("f32[N, 3]",), "E0407", ""),
    ("pad rejects a constant where it copies", 'pad(1, axis = 2, value = 1.0, mode = "reflect")', (IMAGE,), "E0412", "value = 1.0"),
    ("pad rejects a mirror image longer than the image", 'pad([8, 0], axis = 2, mode = "reflect")', (IMAGE,), "E0406", "[8, 0]"),
    ("pad rejects going round more than once", 'pad(9, axis = 2, mode = "circular")', (IMAGE,), "E0406", "9"),
    ("resize rejects corners where nothing is mixed", "resize(2, align_corners)", (IMAGE,), "E0412", "align_corners"),
    ("resize rejects cubic sequences", 'resize(2, mode = "bicubic")', ("f32[N, 3, 8]",), "E0407", 'mode = "bicubic"'),
    ("slice rejects a stop past the end of its second axis", "slice(0, 9, axis = [2, 3])", ("f32[N, 3, 9, 8]",), "E0408", "9"),
    ("slice rejects an axis named twice", "slice(0, 2, axis = [2, -2])", (IMAGE,), "E0408", "axis = [2, -2]"),
    ("rearrange rejects an axis that the left has not", 'rearrange("n c h w -> n q h w")', (IMAGE,), "E0408", "q"),
    ("rearrange rejects an axis that the right has not", 'rearrange("n c h w -> n c h")', (IMAGE,), "E0408", "w"),
    ("rearrange rejects an axis twice", 'rearrange("n c h w -> n c (h h) w")', (IMAGE,), "E0414", "h"),
    ("rearrange rejects a pattern without an arrow", 'rearrange("n c h w")', (IMAGE,), "E0414", "n c h w"),
    ("rearrange rejects two arrows", 'rearrange("n c -> n -> c")', ("f32[N, 3]",), "E0414", "->"),
    ("rearrange rejects brackets in brackets", 'rearrange("n (c (h)) w -> n c h w")', (IMAGE,), "E0414", "("),
    ("rearrange rejects a bracket left open", 'rearrange("n c h w -> n (c h w")', (IMAGE,), "E0414", "("),
    ("rearrange rejects a bracket not opened", 'rearrange("n c h w -> n c) h w")', (IMAGE,), "E0414", ")"),
    ("rearrange rejects other marks", 'rearrange("n c h w -> n, c h w")', (IMAGE,), "E0414", ","),
    ("rearrange rejects numbers", 'rearrange("n (2 c) h w -> n c h w")', (IMAGE,), "E0414", "2"),
    ("rearrange rejects dots in brackets on the left", 'rearrange("n (...) -> n ...")', ("f32[N, 3]",), "E0414", "(...)"),
    ("rearrange rejects another number of axes", 'rearrange("n c -> c n")', (IMAGE,), "E0407", "n c"),
    ("rearrange rejects more axes than there are besides dots", 'rearrange("n c h ... -> ... n c h")', ("f32[N, 3]",), "E0407", "n c h ..."),
    ("rearrange rejects two unknown parts", 'rearrange("n (g c) h w -> n g c h w")', (IMAGE,), "E0412", "(g c)"),
    ("rearrange rejects a part that does not divide", 'rearrange("n (g c) h w -> n g c h w", g = 4)', (IMAGE,), "E0404", "(g c)"),
    ("rearrange rejects a part that may not divide", 'rearrange("n (t s) -> n t s", s = 2)', ("f32[N, T]",), "E0404", "(t s)"),
    ("rearrange rejects parts of another product", 'rearrange("n (g c) h w -> n g c h w", g = 4, c = 4)', (IMAGE,), "E0402", "(g c)"),
    ("rearrange rejects a length that is another", 'rearrange("n c h w -> n h w c", c = 4)', (IMAGE,), "E0402", "c"),
    ("rearrange rejects a one that is not", 'rearrange("n 1 h w -> n h w")', (IMAGE,), "E0402", "1"),
    ("rearrange rejects a length of no axis", 'rearrange("n c h w -> n h w c", q = 4)', (IMAGE,), "E0408", "q = 4"),
    ("rearrange rejects a length that is no number", 'rearrange("n c h w -> n h w c", c = "4")', (IMAGE,), "E0304", 'c = "4"'),
    ("rearrange rejects a length of nothing", 'rearrange("n c h w -> n h w c", c = 0)', (IMAGE,), "E0305", "c = 0"),
    ("einsum rejects a pattern without a result", 'einsum("ij,jk")', ("f32[N, 3]", "f32[3, 4]"), "E0414", "ij,jk"),
    ("einsum rejects dots", 'einsum("...j,jk->...k")', ("f32[N, 3]", "f32[3, 4]"), "E0414", "."),
    ("einsum rejects a diagonal", 'einsum("ii->i")', ("f32[3, 3]",), "E0414", "i"),
    ("einsum rejects a letter twice in the result", 'einsum("ij->jj")', ("f32[3, 3]",), "E0414", "j"),
    ("einsum rejects other marks", 'einsum("i1->i")', ("f32[3, 3]",), "E0414", "1"),
    ("einsum rejects an axis from nowhere", 'einsum("ij->ik")', ("f32[3, 3]",), "E0408", "k"),
    ("einsum rejects lengths that differ", 'einsum("ij,jk->ik")', ("f32[N, 3]", "f32[4, 5]"), "E0402", "j"),
    ("einsum rejects lengths that may differ", 'einsum("ij,jk->ik")', ("f32[N, T]", "f32[H, 5]"), "E0402", "j"),
    ("einsum rejects an axis of length 1 for a longer one", 'einsum("ij,jk->ik")', ("f32[N, 3]", "f32[1, 5]"), "E0402", "j"),
    ("einsum rejects an input with more axes", 'einsum("ij, jk -> ik")', ("f32[N, 3]", "f32[3, 4, 5]"), "E0407", "jk"),
    ("einsum rejects an input too many", 'einsum("ij->i")', ("f32[N, 3]", "f32[3, 4]"), "E0413", '"ij->i"'),
    ("einsum rejects an input too few", 'einsum("ij,jk->ik")', ("f32[N, 3]",), "E0413", '"ij,jk->ik"'),
    ("einsum rejects integers", 'einsum("ij->i")', ("i64[N, 3]",), "E0403", ""),
    ("scale rejects symbolic channels", "scale", ("f32[N, T]",), "E0405", ""),
    ("scale rejects an axis past the end", "scale(axis = 2)", ("f32[N, 3]",), "E0408", "axis = 2"),
    ("positions rejects an image", "positions", (IMAGE,), "E0407", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "inputs", "code", "place"),
    [row[1:] for row in REJECTIONS],
    ids=[row[0].replace(" ", "_") for row in REJECTIONS],
)
def test_rejection(call: str, inputs: tuple[str, ...], code: str, place: str) -> None:
    with pytest.raises(ArchError) as caught:
        load(model_text(call, inputs))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert diagnostic.span is not None
    assert diagnostic.span.text == (place or call.partition("(")[0])


def test_what_is_said_of_every_rejection_is_the_golden_file(update_golden: bool) -> None:
    lines: list[str] = []
    for claim, call, inputs, *_ in REJECTIONS:
        with pytest.raises(ArchError) as caught:
            load(model_text(call, inputs))
        (found,) = caught.value.diagnostics
        lines += [f"# {claim}: {call} of {', '.join(inputs)}", found.message]
        lines += [f"  {note}" for note in (found.label, *found.notes, found.help) if note]
    path = Path(__file__).parent / "rejections.txt"
    text = "".join(f"{line}\n" for line in lines)
    if update_golden:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_linear_rejects_a_tied_weight_of_another_shape_and_says_to_transpose_it() -> None:
    with pytest.raises(ArchError) as caught:
        load("model m {\n input x: f32[N, 8]\n linear(4) as a\n linear(8, tie = a.weight)\n output y\n}\n")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0410"
    assert diagnostic.span is not None
    assert diagnostic.span.text == "tie = a.weight"
    assert "transpose" in diagnostic.help


@pytest.mark.parametrize(
    ("inputs", "advice"),
    [(("f32[N, 2*((H + 1) // 2)]", "f32[N, H]"), "as a multiple"), (("f32[N, H]", "f32[N, W]"), "one symbol for both")],
    ids=["rounded", "different"],
)
def test_lengths_that_may_differ_are_explained(inputs: tuple[str, str], advice: str) -> None:
    with pytest.raises(ArchError) as caught:
        load(model_text("add", inputs))
    assert advice in caught.value.diagnostics[0].help


def test_linear_warns_on_the_width_of_an_image_and_not_on_a_sequence() -> None:
    image = load(model_text("linear(4)", ("f32[N, 3, 8, 8]",)))
    assert [warning.code for warning in image.warnings] == ["W0401"]
    assert load(model_text("linear(4)", ("f32[N, T, 8]",))).warnings == ()


@pytest.mark.parametrize(
    ("call", "shape", "meant"),
    [
        ("conv(3, 64, 3)", "f32[N, 3, 224, 224]", "`conv(64, 3)`"),
        ("conv(64, 128, 3)", "f32[N, 64, 56, 56]", "`conv(128, 3)`"),
        ("conv_transpose(64, 32, 4)", "f32[N, 64, 8, 8]", "`conv_transpose(32, 4)`"),
        ("bn(64)", "f32[N, 64, 8, 8]", "`eps` is 64"),
        ("group_norm(32, 64)", "f32[N, 64, 8, 8]", "`eps` is 64"),
        ("lstm(100, 128)", "f32[N, T, 100]", "`lstm(128)`"),
        ("add { relu }", "f32[N, 8]", "`add { ... | }`"),
    ],
)
def test_a_layer_that_is_told_its_input_as_in_pytorch_gets_advice(call: str, shape: str, meant: str) -> None:
    (warning,) = load(model_text(call, (shape,))).warnings
    assert warning.code == "W0401" and meant in warning.message


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        ("conv(64, 7)", "f32[N, 64, 56, 56]"),
        ("conv(64, 4, stride = 2, padding = 1)", "f32[N, 64, 56, 56]"),
        ("conv(64, 31, groups = 64)", "f32[N, 64, 56, 56]"),
        ("conv(64, 16, 2)", "f32[N, 64, 1000]"),
        ("conv_transpose(21, 64, stride = 32)", "f32[N, 21, 7, 7]"),
        ("bn(1e-3)", "f32[N, 64, 8, 8]"),
        ("lstm(128, 4)", "f32[N, T, 128]"),
        ("add { relu | }", "f32[N, 8]"),
        ("add for i in 0..1 { relu }", "f32[N, 8]"),
        ("concat { split(2) }", "f32[N, 8]"),
        ("[relu] -> concat", "f32[N, 8]"),
    ],
)
def test_what_networks_have_gets_no_advice(call: str, shape: str) -> None:
    assert load(model_text(call, (shape,))).warnings == ()


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_the_example_of_a_code_shows_the_code_and_nothing_else(code) -> None:
    try:
        found = load(code.example).warnings
    except ArchError as error:
        found = error.diagnostics
    assert [diagnostic.code for diagnostic in found] == [code.code]
