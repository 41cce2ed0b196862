"""Scores by the rules of the challenge's Python toolkit, where these differ from PySOT's (docs/evaluation.md)."""

from toolkit.registry import import_modules

import_modules(__name__, __path__)
