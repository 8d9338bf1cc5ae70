"""Frozen dataclasses that travel between the layers; no behaviour beyond their own shape, no I/O."""
