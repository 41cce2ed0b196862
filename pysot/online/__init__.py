"""Learning while tracking (ATOM, DiMP): samples and their weights, optimizers, localization, refinement of boxes."""
