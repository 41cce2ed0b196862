"""Result files: where they are, what they hold, and how they are written; layouts are registered in `WRITERS`."""

from toolkit.registry import import_modules

import_modules(__name__, __path__)
