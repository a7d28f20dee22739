"""The curves as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.growth import CURVES

Points = Sequence[Sequence[float]]


def draw(curves: Mapping[str, Points], path: Path) -> None:
    """Draw time per request, and memory, against the number of orders; an SVG file."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only the picture needs it
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    # Text stays text, and the same figures give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "runa-mock", "font.size": 9})
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    times, memory = figure.subplots(1, 2)
    for name, label in CURVES.items():
        times.plot(*zip(*curves[name], strict=True), marker="o", label=label)
    times.set(ylabel="CPU time per request, µs", title="time", xscale="log", ylim=(0, None))
    times.legend()
    memory.plot(*zip(*curves["memory"], strict=True), marker="o", color="tab:gray")
    memory.set(ylabel="resident memory, MiB", title="memory", ylim=(0, None))
    for axes in (times, memory):
        axes.set(xlabel="orders stored")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, format="svg", metadata={"Date": None})
