"""Parameter paths: the name a call has in its block, numbered where it occurs more than once."""

BLOCKS = "block unit(c) { linear(c, !bias) as fc -> relu }\n"


def owners(paths, program):
    return [path.rpartition(".")[0] for path in paths(program)]


def test_a_name_used_once_is_the_segment_itself(build, paths):
    program = build("model m { input x: f32[N, 4]; linear(4) -> relu -> unit(4); output y }\n" + BLOCKS)
    assert paths(program) == ["linear.weight", "linear.bias", "unit.fc.weight"]


def test_a_name_used_several_times_is_a_list_in_source_order(build, paths):
    text = BLOCKS + (
        "model m { input x: f32[N, 4]\n unit(4) as a -> linear(4, !bias)\n for i in 0..2 { unit(4) as a }\n"
        " linear(4, !bias)\n output y }"
    )
    assert owners(paths, build(text)) == ["a.0.fc", "linear.0", "a.1.fc", "a.2.fc", "linear.1"]


def test_labels_reproduce_the_keys_of_torchvision(build, paths):
    text = """
    block basic(out) { conv(out, 3, !bias) as conv1 -> bn as bn1 -> relu -> conv(out, 3, !bias) as conv2 -> bn as bn2 }
    model m {
      input x: f32[N, 3, 8, 8]
      conv(4, 3, !bias) as conv1 -> bn as bn1
      for i in 0..2 { for j in 0..2 { basic(4) as "layer{i+1}" } }
      global_avg_pool -> linear(10) as fc
      output y
    }
    """
    found = owners(paths, build(text))
    assert found[0] == "conv1"
    assert "layer2.1.bn2" in found
    assert found[-1] == "fc"


def test_loops_braces_and_choices_open_no_scope(build, paths):
    text = (
        "model m { input x: f32[N, 4]\n if true { { linear(4, !bias) } }\n"
        " add { linear(4, !bias) | for i in 0..1 { linear(4, !bias) } }\n [linear(4, !bias), id] -> add\n output y }"
    )
    assert owners(paths, build(text)) == ["linear.0", "linear.1", "linear.2", "linear.3"]


def test_a_body_in_braces_is_a_scope_named_after_its_parameter(build, paths):
    text = "model m { input x: f32[N, 4]\n residual { linear(4, !bias) } as r\n output y }"
    assert owners(paths, build(text)) == ["r.body.linear"]


def test_a_block_called_through_a_name_is_named_after_the_block(build, paths):
    text = BLOCKS + "model m { input x: f32[N, 4]\n let u = unit(4)\n u -> u as w\n output y }"
    assert owners(paths, build(text)) == ["unit.fc", "w.fc"]


def test_paths_depend_on_nothing_outside_the_block(build, paths):
    text = BLOCKS + (
        "block stage() { unit(4) -> unit(4) }\nmodel m { input x: f32[N, 4]; stage -> unit(4) -> stage as s; output y }"
    )
    assert owners(paths, build(text)) == ["stage.unit.0.fc", "stage.unit.1.fc", "unit.fc", "s.unit.0.fc", "s.unit.1.fc"]
