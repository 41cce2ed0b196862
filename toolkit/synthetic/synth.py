"""The embedded benchmark SYNTH: short rendered sequences, graded by attribute."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from toolkit.datasets.sequence import Benchmark
from toolkit.synthetic.generator import random_scene
from toolkit.synthetic.scene import Scene

LONGEST_ABSENCE = 20

SEQUENCES: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("background_clutter_1", "face", ("background_clutter",), 72),
    ("background_clutter_2", "card", ("background_clutter", "camera_motion"), 72),
    ("camera_motion_1", "car", ("camera_motion",), 80),
    ("camera_motion_2", "animal", ("scale_change", "camera_motion"), 72),
    ("deformation_1", "person", ("deformation",), 80),
    ("deformation_2", "fish", ("deformation",), 72),
    ("deformation_3", "animal", ("deformation", "scale_change"), 72),
    ("distractors_1", "ball", ("distractors",), 72),
    ("distractors_2", "person", ("distractors", "deformation"), 72),
    ("distractors_3", "car", ("camera_motion", "distractors"), 72),
    ("fast_motion_1", "ball", ("fast_motion",), 64),
    ("fast_motion_2", "star", ("fast_motion", "rotation"), 64),
    ("illumination_1", "face", ("illumination",), 80),
    ("illumination_2", "bottle", ("illumination", "scale_change"), 72),
    ("low_resolution_1", "car", ("low_resolution",), 80),
    ("low_resolution_2", "animal", ("low_resolution", "camera_motion"), 72),
    ("motion_blur_1", "card", ("motion_blur",), 64),
    ("motion_blur_2", "fish", ("motion_blur", "rotation"), 64),
    ("occlusion_1", "car", ("occlusion",), 80),
    ("occlusion_2", "person", ("occlusion",), 80),
    ("occlusion_3", "animal", ("occlusion", "distractors"), 80),
    ("out_of_view_1", "bottle", ("out_of_view",), 80),
    ("out_of_view_2", "animal", ("out_of_view", "deformation"), 80),
    ("rotation_1", "blob", ("rotation",), 72),
    ("rotation_2", "card", ("rotation", "scale_change"), 72),
    ("scale_change_1", "face", ("scale_change",), 80),
    ("scale_change_2", "car", ("scale_change", "camera_motion"), 72),
)
"""(name, target, attributes, frames), sorted by name."""


VAL_SEQUENCES: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("background_clutter_1", "mushroom", ("background_clutter",), 72),
    ("camera_motion_1", "house", ("camera_motion",), 80),
    ("deformation_1", "hand", ("deformation",), 80),
    ("deformation_2", "butterfly", ("deformation",), 72),
    ("distractors_1", "arrow", ("distractors",), 72),
    ("fast_motion_1", "butterfly", ("fast_motion",), 64),
    ("illumination_1", "mushroom", ("illumination",), 80),
    ("low_resolution_1", "house", ("low_resolution",), 80),
    ("motion_blur_1", "arrow", ("motion_blur",), 64),
    ("occlusion_1", "hand", ("occlusion",), 80),
    ("occlusion_2", "mushroom", ("occlusion", "distractors"), 80),
    ("out_of_view_1", "house", ("out_of_view",), 80),
    ("rotation_1", "arrow", ("rotation",), 72),
    ("scale_change_1", "hand", ("scale_change", "camera_motion"), 80),
)
"""Those of SYNTH-val."""

TEST_FAMILIES: Mapping[str, str] = {
    "face": "clock", "card": "kite", "car": "boat", "animal": "crab", "person": "robot", "fish": "bird",
    "ball": "gear", "star": "flower", "bottle": "mug", "blob": "leaf",
}  # fmt: skip
"""What SYNTH-test has in the place of SYNTH's targets."""


def synth_benchmark(seed: int = 0, part: str = "") -> Benchmark:
    """SYNTH: 27 rendered sequences of 64 to 80 frames of 320 x 240 pixels, one-pass protocol.

    Nothing is stored or downloaded: frames and masks are rendered when they are read, the same for the same seed.
    Another seed gives other individuals, places and paths of equal difficulty.
    `scene_of(sequence)` answers for outlines, full masks and oriented boxes.

    Ground-truth boxes are amodal (the whole target, hidden parts included) and cut at the image border, 0-based with
    pixel i covering [i, i + 1); a row is NaN where less than 10 % of the target is inside the image. `visible` is
    False where less than 10 % of it is seen for any reason, `cover` is the share seen.

    Args:
        part: "" for SYNTH, which is made of what training scenes are made of; "val" for SYNTH-val, 14 sequences, and
            "test" for SYNTH-test, 27 with the attributes and lengths of SYNTH's: their objects, surfaces, occluders
            and places are in no training scene, nor in the other part.
    """
    sequences = {
        "": SEQUENCES,
        "val": VAL_SEQUENCES,
        "test": tuple((name, TEST_FAMILIES[family], kinds, count) for name, family, kinds, count in SEQUENCES),
    }[part]
    scenes = (
        random_scene(
            seed, kinds, count, family=family, name=f"{part}_{name}" if part else name, accept=is_short_term,
            assets=part or "training",
        )
        for name, family, kinds, count in sequences
    )  # fmt: skip
    return Benchmark(f"SYNTH-{part}" if part else "SYNTH", "ope", tuple(scene.sequence() for scene in scenes))


def is_short_term(scene: Scene) -> bool:
    """True when a tracker without re-detection has a chance, and promised occlusions do happen.

    The target is never away for more than `LONGEST_ABSENCE` frames and well in sight at the end.
    """
    cover = scene.ground_truth.cover
    seen = np.concatenate([[True], scene.ground_truth.visible, [True]]).nonzero()[0]
    hidden = "occlusion" not in scene.attributes or float((cover < 0.6 * scene.ground_truth.in_view).mean()) > 0.06
    return bool(hidden and np.diff(seen).max() - 1 <= LONGEST_ABSENCE and cover[-6:].min() > 0.5)
