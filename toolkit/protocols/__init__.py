"""How a tracker is run over a sequence: one module per protocol, each registered in `PROTOCOLS`."""

from toolkit.registry import import_modules

import_modules(__name__, __path__)
