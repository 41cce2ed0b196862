"""Rendered video with exact ground truth: SYNTH, SYNTH-val, SYNTH-test and SYNTH-LT, and scenes drawn for training.

Frames of SYNTH whose target is hidden or out of the picture are misses that stay in the denominator, so that a perfect
tracker scores below 20/21: the truth itself has success 0.9365 and precision 0.983.
"""

from toolkit.synthetic.difficulty import ATTRIBUTES
from toolkit.synthetic.generator import random_scene
from toolkit.synthetic.scene import Scene, scene_of
from toolkit.synthetic.synth import synth_benchmark
from toolkit.synthetic.synth_lt import longterm_scene, synth_longterm_benchmark

__all__ = [
    "ATTRIBUTES",
    "Scene",
    "longterm_scene",
    "random_scene",
    "scene_of",
    "synth_benchmark",
    "synth_longterm_benchmark",
]
