"""Whatever a file holds, and whatever the command line says, the answer is a result or a coded diagnostic."""

from hypothesis import given, settings
from strategies.commands import command_lines
from strategies.files import File, any_file

from properties.command import check_in_place
from properties.readers import check_file


@settings(max_examples=700)
@given(any_file())
def test_any_file_is_read_or_refused_with_a_coded_diagnostic(file: File) -> None:
    check_file(file)


@settings(max_examples=400)
@given(command_lines())
def test_any_command_line_ends_with_an_exit_code_that_says_what_happened(line: tuple[str, ...]) -> None:
    check_in_place(line)
