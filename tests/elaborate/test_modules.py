"""Files: imports, the project root, presets; and what happens to a module that is not sound."""

import os

import pytest

from archdsl.diagnostics.model import Sink
from archdsl.elaborate.loader import load_file
from archdsl.elaborate.model import elaborate
from archdsl.limits import Limits

MODEL = "model m {{ input x: f32[N, 3, 8, 8]; {}; output y }}\n"


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name}.arch"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def load(path, root=None, limits=None):
    sink = Sink()
    module = load_file(path, sink, limits or Limits(), root=str(root) if root else None)
    return module, sink.found


def summary(found):
    return [
        (d.code, os.path.basename(d.span.source.name) if d.span else "", d.span.line if d.span else 0) for d in found
    ]


def test_blocks_constants_and_aliases_are_imported(build, flat, tmp_path):
    write(tmp_path, blocks="let width = 7\nblock f(n) { conv(n, 1) }\nblock g() { relu }\n")
    text = 'use "blocks.arch" (f as unit, width, g)\n' + MODEL.format("unit(width) -> g")
    assert flat(build(text, root=tmp_path)) == [
        "f.conv conv(7, 1) f32[N, 7, 8, 8]",
        "g.relu relu f32[N, 7, 8, 8]",
    ]


def test_imports_are_relative_to_the_importing_file(tmp_path):
    (tmp_path / "lib").mkdir()
    write(tmp_path / "lib", inner="block f() { relu }\n", outer='use "inner.arch" (f)\nblock g() { f }\n')
    write(tmp_path, main='use "lib/outer.arch" (g)\n' + MODEL.format("g"))
    module, found = load(tmp_path / "main.arch")
    assert found == []
    assert module.sound


def test_the_standard_library_needs_no_use_and_can_be_used(build, flat):
    plain = flat(build(MODEL.format("conv_bn_relu(8)")))
    assert flat(build("use std.conv (conv_bn_relu)\n" + MODEL.format("conv_bn_relu(8)"))) == plain
    assert flat(build("use std.conv (conv_bn_relu as f)\n" + MODEL.format("f(8)"))) == plain


def test_a_local_definition_wins_over_the_library_but_not_inside_it(build, flat):
    text = "block conv_bn_relu(out) { tanh }\n" + MODEL.format("conv_bn_relu(8) -> double_conv(4)")
    lines = flat(build(text))
    assert lines[0].startswith("conv_bn_relu.tanh")
    assert sum(" conv(" in line for line in lines) == 2


def test_a_default_does_not_cross_files(build, flat, tmp_path):
    write(tmp_path, blocks="block f() { conv(3, 1) }\n")
    text = 'default conv(!bias)\nuse "blocks.arch" (f)\n' + MODEL.format("f")
    assert flat(build(text, root=tmp_path)) == ["f.conv conv(3, 1) f32[N, 3, 8, 8]"]


def test_files_that_import_each_other_are_reported_with_the_circle(tmp_path):
    write(
        tmp_path,
        a='use "b.arch" (g)\nblock f() { g }\n' + MODEL.format("f"),
        b='use "c.arch" (h)\nblock g() { h }\n',
        c='\nuse "a.arch" (f)\nblock h() { f }\n',
    )
    module, found = load(tmp_path / "a.arch")
    assert summary(found) == [("E0206", "c.arch", 2)]
    assert "a.arch -> b.arch -> c.arch -> a.arch" in found[0].message
    assert not module.sound


def test_a_file_that_imports_itself_is_reported(tmp_path):
    write(tmp_path, a='use "a.arch" (f)\n' + MODEL.format("relu"))
    assert summary(load(tmp_path / "a.arch")[1]) == [("E0206", "a.arch", 1)]


def test_a_file_is_loaded_once(tmp_path):
    write(
        tmp_path,
        base="let k = 1 / 2\nblock f() { relu }\n",
        left='use "base.arch" (f)\nblock l() { f }\n',
        right='use "base.arch" (f)\nblock r() { f }\n',
        main='use "left.arch" (l)\nuse "right.arch" (r)\n' + MODEL.format("l -> r"),
    )
    assert summary(load(tmp_path / "main.arch")[1]) == [("E0308", "base.arch", 1)]


@pytest.mark.parametrize(
    "target", ["../secret.arch", "/etc/passwd", "sub/../../secret.arch", "link.arch", "folder/secret.arch"]
)
def test_no_import_leaves_the_root(tmp_path, target):
    root = tmp_path / "project"
    outside = tmp_path / "outside"
    for folder in (root, outside, root / "sub"):
        folder.mkdir()
    write(tmp_path, secret="block f() { relu }\n")
    write(outside, secret="block f() { relu }\n")
    (root / "link.arch").symlink_to(tmp_path / "secret.arch")
    (root / "folder").symlink_to(outside)
    write(root, main=f'use "{target}" (f)\n' + MODEL.format("f"))
    module, found = load(root / "main.arch", root=root)
    assert summary(found) == [("E0207", "main.arch", 1)]
    sink = Sink()
    assert elaborate(module, "m", {}, {}, sink, Limits()) is None
    assert sink.found == []


def test_a_link_inside_the_root_is_followed(tmp_path):
    write(tmp_path, real="block f() { relu }\n", main='use "link.arch" (f)\n' + MODEL.format("f"))
    (tmp_path / "link.arch").symlink_to(tmp_path / "real.arch")
    assert load(tmp_path / "main.arch", root=tmp_path)[1] == []


def test_the_root_is_the_working_directory_if_the_spec_lies_in_it(tmp_path, tmp_path_factory, monkeypatch):
    (tmp_path / "specs").mkdir()
    write(tmp_path, blocks="block f() { relu }\n")
    write(tmp_path / "specs", main='use "../blocks.arch" (f)\n' + MODEL.format("f"))
    monkeypatch.chdir(tmp_path)
    assert load("specs/main.arch")[1] == []
    monkeypatch.chdir(tmp_path / "specs")
    assert summary(load("main.arch")[1]) == [("E0207", "main.arch", 1)]
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert summary(load(tmp_path / "specs" / "main.arch")[1]) == [("E0207", "main.arch", 1)]


@pytest.mark.parametrize(
    ("target", "code"), [("nothing.arch", "E0208"), ("folder", "E0208"), ("binary.arch", "E0604"), ("", "E0208")]
)
def test_what_cannot_be_imported_is_reported_once(tmp_path, target, code):
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.arch").write_bytes(b"\xff\xfe\x00")
    write(tmp_path, main=f'use "{target}" (f, g)\n' + MODEL.format("f -> g"))
    found = load(tmp_path / "main.arch")[1]
    assert [d.code for d in found] == [code]


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.arch")
    write(tmp_path, main='use "pipe.arch" (f)\n' + MODEL.format("f"))
    assert summary(load(tmp_path / "main.arch")[1]) == [("E0208", "main.arch", 1)]


def test_a_misspelt_import_gets_a_suggestion(tmp_path):
    write(tmp_path, blocks="block unit() { relu }\n", main='use "blocks.arch" (unti)\n' + MODEL.format("unti"))
    (found,) = load(tmp_path / "main.arch")[1]
    assert (found.code, found.help) == ("E0205", "did you mean `unit`?")
    write(tmp_path, main='use "bloks.arch" (unit)\n' + MODEL.format("unit"))
    (found,) = load(tmp_path / "main.arch")[1]
    assert (found.code, found.help) == ("E0208", "did you mean `blocks.arch`?")


def test_imports_together_have_a_size(tmp_path):
    for index in range(4):
        write(tmp_path, **{f"f{index}": f"# {'x' * 300}\nblock f{index}() {{ relu }}\n"})
    uses = "".join(f'use "f{index}.arch" (f{index})\n' for index in range(4))
    write(tmp_path, main=uses + MODEL.format("f0"))
    found = load(tmp_path / "main.arch", limits=Limits(import_bytes=1000))[1]
    assert {d.code for d in found} == {"E0909"}


def test_a_long_chain_of_imports_is_no_recursion_error(tmp_path):
    for index in range(300):
        write(tmp_path, **{f"f{index}": f'use "f{index + 1}.arch" (f)\n'})
    write(tmp_path, f300="block f() { relu }\n", main='use "f0.arch" (f)\n' + MODEL.format("f"))
    assert load(tmp_path / "main.arch")[1] == []


def test_a_syntax_error_in_an_import_is_the_only_thing_reported(tmp_path):
    write(tmp_path, blocks="block f() { relu )\n}", main='use "blocks.arch" (f)\n' + MODEL.format("f"))
    found = load(tmp_path / "main.arch")[1]
    assert {os.path.basename(d.span.source.name) for d in found} == {"blocks.arch"}


# ---------------------------------------------------------------------------------------------------------- presets

RESNET = "model net(depth: 18 | 50 = 18, classes = 10) { input x: f32[N, depth]; linear(classes); output y }\n"


def test_a_preset_sets_parameters_that_outer_arguments_override(build, flat):
    text = RESNET + "model big = net(50)\nmodel tiny = big(classes = 2)\n"
    assert flat(build(text, model="big")) == ["linear linear(10) f32[N, 10]"]
    assert flat(build(text, model="tiny")) == ["linear linear(2) f32[N, 2]"]
    assert build(text, model="tiny").entry.arguments == {"depth": 50, "classes": 2}
    assert build(text, model="tiny", depth=18).entry.arguments == {"depth": 18, "classes": 2}


def test_a_preset_is_built_on_an_imported_model(tmp_path):
    write(
        tmp_path,
        net=RESNET + "model big = net(50)\n",
        main='use "net.arch" (big as base)\nmodel mine = base(classes = 3)\n'
        + "model net { input x: f32[N]; output y }\n",
    )
    module, found = load(tmp_path / "main.arch")
    assert found == []
    assert list(module.models) == ["mine", "net"]
    program = elaborate(module, "mine", {}, {}, Sink(), Limits())
    assert program.name == "mine"
    assert program.entry.arguments == {"depth": 50, "classes": 3}


@pytest.mark.parametrize(
    ("preset", "code"), [("net(dpth = 3)", "E0301"), ("net(depth = 3)", "E0305"), ("nett()", "E0203"), ("f()", "E0203")]
)
def test_mistakes_of_a_preset_are_found(diagnose, preset, code):
    text = RESNET + f"block f() {{ relu }}\nmodel p = {preset}\n"
    assert [d.code for d in diagnose(text, model="p")] == [code]


@pytest.mark.parametrize("name", ["a", "p"])
def test_a_model_cannot_be_part_of_a_network(diagnose, name):
    text = "model a { input x: f32[N, 3]; relu; output y }\nmodel p = a()\n"
    text += f"model b {{ input x: f32[N, 3]; {name}; output y }}\n"
    assert [d.code for d in diagnose(text, model="b")] == ["E0210"]


def test_a_mistake_in_one_model_does_not_stop_another():
    from archdsl.elaborate.loader import load_text

    sink = Sink()
    module = load_text(
        "model a { input x: f32[N]; cnov; output y }\nmodel b { input x: f32[N]; relu; output y }", sink, Limits()
    )
    assert elaborate(module, "a", {}, {}, sink, Limits()) is None
    assert elaborate(module, "b", {}, {}, sink, Limits()) is not None
    # The same mistake is reported once, and still keeps the model from being built.
    assert elaborate(module, "a", {}, {}, sink, Limits()) is None
    assert len(sink.found) == 1


@pytest.mark.parametrize(
    ("name", "code"), [("nothing.arch", "E0601"), ("folder", "E0602"), ("nul\0.arch", "E0603"), ("latin.arch", "E0604")]
)
def test_a_file_that_cannot_be_read_is_a_diagnostic(tmp_path, name, code):
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.arch").write_bytes("model caf\u00e9".encode("latin-1"))
    module, found = load(f"{tmp_path}/{name}")
    assert module is None
    assert [d.code for d in found] == [code]


def test_a_misspelt_file_name_gets_a_suggestion(tmp_path):
    write(tmp_path, resnet=MODEL.format("relu"))
    (found,) = load(tmp_path / "resnte.arch")[1]
    assert found.help == f"did you mean `{tmp_path / 'resnet.arch'}`?"


@pytest.mark.parametrize("name", ["foo", "vg_", "network", "a"])
def test_a_file_name_that_shares_the_ending_alone_gets_no_suggestion(tmp_path, name):
    write(tmp_path, resnet=MODEL.format("relu"), mlp=MODEL.format("relu"))
    (found,) = load(tmp_path / f"{name}.arch")[1]
    assert (found.code, found.help) == ("E0601", "")


def test_a_file_may_start_with_a_byte_order_mark(tmp_path):
    (tmp_path / "main.arch").write_bytes(b"\xef\xbb\xbf" + MODEL.format("relu").encode())
    assert load(tmp_path / "main.arch")[1] == []


def test_a_removed_working_directory_holds_nothing(tmp_path, monkeypatch):
    write(tmp_path, blocks="block f() { relu }\n", main='use "blocks.arch" (f)\n' + MODEL.format("f"))
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert load(tmp_path / "main.arch")[1] == []


def test_a_file_may_have_as_many_bytes_as_the_limit_and_not_one_more(tmp_path):
    write(tmp_path, main=MODEL.format("relu"))
    size = (tmp_path / "main.arch").stat().st_size
    assert load(tmp_path / "main.arch", limits=Limits(source_bytes=size))[1] == []
    assert {d.code for d in load(tmp_path / "main.arch", limits=Limits(source_bytes=size - 1))[1]} == {"E0901"}
