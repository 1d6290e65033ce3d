"""Widgets draw what the view made and know nothing else."""
