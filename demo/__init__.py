"""The embedded domain: its code in domain/, the networks that it ships, its part of the graph."""
