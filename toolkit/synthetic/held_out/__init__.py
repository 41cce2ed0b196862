"""Objects, surfaces, occluders and places that no training scene has, for SYNTH-val and SYNTH-test."""

from toolkit.synthetic.held_out import objects_of_test, objects_of_val, occluders, places, surfaces

__all__ = ["objects_of_test", "objects_of_val", "occluders", "places", "surfaces"]
