"""The command `archdsl`: arguments in and exit code out.

`main.py` picks one of the `*_command.py`, a file for each command. `session.py` is what all do around their work,
`options.py` what several share, `usage.py` mistakes in a command line, `completing.py` what a shell asks for while
one is typed, `progress.py` what a terminal is told meanwhile, `exits.py` exit codes. `checked_file.py` and
`mending.py` belong to `check`, `symbolic.py` to `count`, `guard.py` and `bounded.py` (a process with bounds, from
outside and from inside) to `run`.
"""
