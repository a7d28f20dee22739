"""The edge: the only place that speaks HTTP."""
