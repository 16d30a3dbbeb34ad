"""`python -m archdsl` is the command `archdsl`."""

from archdsl.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
