"""Drivers that interpret the operators' lowerings, one package each; they never meet."""
