"""Layers of a generator: what a generator is, reading, editing and sampling it."""
