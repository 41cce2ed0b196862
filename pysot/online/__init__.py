"""Learning while tracking (ATOM, DiMP): samples and their weights, optimisers, localisation, refinement of boxes."""
