"""What holds of every input: each property is a plain function of one input, which the tests here and `make fuzz` feed
from `tests/strategies`."""
