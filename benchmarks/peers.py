"""x"""
from benchmarks.effort import Effort
from benchmarks.report import Part
def measure(effort: Effort) -> Part:
    return Part()
