"""Figures of an evaluation as SVG and PNG: curves, rankings, accuracy against robustness, precision against recall.

They need matplotlib (`pip install matplotlib`), which is imported when the first figure is drawn, and no
TeX. The same report gives the same bytes, whatever the user's matplotlibrc says.
"""

from toolkit.registry import import_modules
from toolkit.report.figures.canvas import STYLES, require_matplotlib
from toolkit.report.figures.write import FORMATS, write_figures

__all__ = ["FORMATS", "STYLES", "require_matplotlib", "write_figures"]

import_modules(__name__, __path__)
