"""Rendered video with exact truth: the benchmarks SYNTH and SYNTH-LT, and scenes drawn at will for training."""

from toolkit.synthetic.benchmark import synth_benchmark
from toolkit.synthetic.compose import random_scene
from toolkit.synthetic.longterm import longterm_scene, synth_longterm_benchmark
from toolkit.synthetic.manner import ATTRIBUTES
from toolkit.synthetic.scene import Scene, scene_of

__all__ = [
    "ATTRIBUTES",
    "Scene",
    "longterm_scene",
    "random_scene",
    "scene_of",
    "synth_benchmark",
    "synth_longterm_benchmark",
]
