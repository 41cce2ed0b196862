"""PySOT's tracker classes: those of this package under PySOT's names, around a `ModelBuilder`.

Their hyper-parameters are read from `pysot.core.config.cfg` whenever they are needed. Like PySOT, and unlike
`pysot.load_tracker`, they take float frames and boxes without area, and answer with a plain dict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pysot.compat.config import cfg, shared_config
from pysot.config.params import params_from_config
from pysot.core.anchors import ResponseGrid, anchor_grid, anchor_sizes, decode_anchor_boxes
from pysot.core.crop import get_subwindow
from pysot.core.device import device_of
from pysot.core.errors import BadBoxError, ConfigError
from pysot.models.meta_arch.siamese import MaskFeatures, SiameseModel, SiameseOutput
from pysot.tracker import builder, siammask, siamrpn
from pysot.tracker.base import SearchRegion
from pysot.tracker.siamese import MIN_SIDE, Decoder, SiameseParams, cosine_window

Floats: TypeAlias = NDArray[np.floating]


class BaseTracker:
    """What every tracker has: `init` with the first frame and box, `track` with every later frame."""

    def init(self, img: NDArray[Any], bbox: Sequence[float]) -> None:
        """Learns the target in the box (x, y, w, h), 0-based pixels, of `img` (H, W, 3) BGR."""
        raise NotImplementedError

    def track(self, img: NDArray[Any]) -> dict[str, Any]:
        """`bbox` [x, y, w, h] and `best_score` of the target in `img` (H, W, 3) BGR."""
        raise NotImplementedError


class SiameseTracker(BaseTracker):
    """A tracker that looks at square crops."""

    model: Any

    def get_subwindow(
        self, im: NDArray[Any], pos: Sequence[float] | Floats, model_sz: int, original_sz: float, avg_chans: Floats
    ) -> Tensor:
        """(1, 3, model_sz, model_sz) float32: the square of `original_sz` image pixels around `pos` (x, y), resized.

        What lies outside the image has the color `avg_chans` (3,). On the device of `self.model`, or else on the one
        that `cfg.CUDA` allows.
        """
        center_x, center_y = (pos, pos) if isinstance(pos, float) else pos
        crop = get_subwindow(im, (float(center_x), float(center_y)), model_sz, int(original_sz), avg_chans)
        device = device_of(self.model) if hasattr(self, "model") else builder.device_for(cfg, "auto")
        return torch.from_numpy(crop).to(device).permute(2, 0, 1)[None].float()


class SiamRPNTracker(SiameseTracker, siamrpn.SiamRPNTracker):  # type: ignore[misc]  # PySOT's `init` and `track`
    """SiamRPN's tracker.

    A subclass may override `init`, `track`, `get_subwindow`, `_convert_bbox` and `_convert_score`, and replace what is
    listed here.

    Attributes:
        center_pos: (2,) center of the target, image pixels.
        size: (2,) its width and height.
        channel_average: (3,) mean color of the first frame.
        score_size, anchor_num: side of the response map in cells, and anchors per cell.
        window: (anchor_num * score_size ** 2,) prior "near the center".
        anchors: (anchor_num * score_size ** 2, 4) cx, cy, w, h, crop pixels from its center.
    """

    center_pos: Floats
    size: Floats
    channel_average: Floats

    def __init__(self, model: nn.Module) -> None:
        if isinstance(model, SiameseModel):
            raise ConfigError(
                f"{type(self).__name__} got a {type(model).__name__} of pysot.models; it runs a ModelBuilder "
                "(pysot.models.model_builder). Give this one to pysot.tracker.builder.build_tracker(cfg, model)."
            )
        self.model = model.eval()
        track = cfg.TRACK
        self.score_size = (track.INSTANCE_SIZE - track.EXEMPLAR_SIZE) // cfg.ANCHOR.STRIDE + 1 + track.BASE_SIZE
        self.anchor_num = len(cfg.ANCHOR.RATIOS) * len(cfg.ANCHOR.SCALES)
        self.window = np.tile(cosine_window(self.score_size), self.anchor_num)
        self.anchors = self.generate_anchor(self.score_size)

    def generate_anchor(self, score_size: int) -> NDArray[np.float32]:
        """`anchors` of a response map of `score_size` cells."""
        anchor = cfg.ANCHOR
        sizes = anchor_sizes(anchor.STRIDE, anchor.RATIOS, anchor.SCALES)
        return anchor_grid(sizes, ResponseGrid(score_size, anchor.STRIDE))

    def init(self, img: NDArray[Any], bbox: Sequence[float]) -> None:  # type: ignore[override]
        x, y, width, height = map(np.float64, bbox)
        if min(width, height) < 0 or width + height == 0:
            raise BadBoxError(f"The first box is {list(bbox)}; expected x, y, width, height with a side above 0.")
        self._start(img, (x, y, width, height))

    def track(self, img: NDArray[Any]) -> dict[str, Any]:  # type: ignore[override]
        """`bbox` [x, y, w, h] and `best_score`; of a SiamMask also `mask` (H, W) in [0, 1] and `polygon`, 8 numbers."""
        result = self.commit(img, self.locate(img, self.search_region()))
        answer = {key: value for key, value in result.items() if key != "state"}
        answer["bbox"] = [float(value) for value in result.box]
        return answer if result.polygon is None else answer | {"polygon": result.polygon.tolist()}

    def _convert_bbox(self, delta: Tensor, anchor: NDArray[np.float32]) -> NDArray[np.float32]:
        """(4, N) boxes cx, cy, w, h in crop pixels, of deltas (1, 4k, S, S) and anchors (N, 4)."""
        deltas = delta.detach().permute(1, 2, 3, 0).reshape(4, -1).cpu().numpy()
        return decode_anchor_boxes(deltas, anchor).T

    def _convert_score(self, score: Tensor) -> NDArray[np.float32]:
        """(N,) target probabilities of logits (1, 2k, S, S)."""
        scores = score.detach().permute(1, 2, 3, 0).reshape(2, -1).softmax(0)[1].cpu().numpy()
        return np.asarray(scores, dtype=np.float32)

    def _bbox_clip(
        self, cx: float, cy: float, width: float, height: float, boundary: Sequence[int]
    ) -> tuple[float, float, float, float]:
        """The center kept inside an image of `boundary` (rows, columns), the size between 10 pixels and the image's."""
        rows, columns = boundary
        size = (max(MIN_SIDE, min(width, columns)), max(MIN_SIDE, min(height, rows)))
        return max(0, min(cx, columns)), max(0, min(cy, rows)), *size

    # What the tracker of this package asks for, in terms of the names above.

    selector = None
    """Channels are not chosen here: PySOT's models use all."""

    @property
    def params(self) -> SiameseParams:  # type: ignore[override]
        params: SiameseParams = params_from_config(shared_config(), self.params_type)
        return params

    @property
    def center_xy(self) -> tuple[float, float]:  # type: ignore[override]
        return self.center_pos[0], self.center_pos[1]

    @center_xy.setter
    def center_xy(self, value: tuple[float, float]) -> None:
        self.center_pos = np.array(value)

    @property
    def size_wh(self) -> tuple[float, float]:  # type: ignore[override]
        return self.size[0], self.size[1]

    @size_wh.setter
    def size_wh(self, value: tuple[float, float]) -> None:
        self.size = np.array(value)

    @property
    def fill_bgr(self) -> Floats:  # type: ignore[override]
        return self.channel_average

    @fill_bgr.setter
    def fill_bgr(self, value: Floats) -> None:
        self.channel_average = value

    @property
    def decoder(self) -> Decoder:  # type: ignore[override]
        return self._decode

    def _grid(self, output: SiameseOutput, region: SearchRegion) -> ResponseGrid:
        return ResponseGrid(output.cls.shape[-1], cfg.ANCHOR.STRIDE)

    def _decode(self, output: SiameseOutput, grid: ResponseGrid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        side = grid.side
        anchors = self.anchors if side == self.score_size else self.generate_anchor(side)
        return self._convert_score(output.cls), self._convert_bbox(output.loc, anchors).T

    def _cut(self, image: NDArray[Any], center_xy: tuple[float, float], size: int, side: int) -> Tensor:
        return self.get_subwindow(image, np.array(center_xy), size, side, self.channel_average)

    def _learn_template(self, crop: Tensor) -> None:
        with torch.no_grad():
            self.model.template(crop)

    def _learn_channels(self, image: NDArray[Any]) -> None:
        pass

    def _respond(self, search: Tensor) -> tuple[SiameseOutput, Any]:
        outputs = self.model.track(search)
        return SiameseOutput(outputs["cls"], outputs["loc"]), None

    def _prior(self, side: int, count: int) -> NDArray[np.float64]:
        return self.window if count == len(self.window) else super()._prior(side, count)


class SiamMaskTracker(SiamRPNTracker, siammask.SiamMaskTracker):  # type: ignore[misc]
    """SiamMask's tracker."""

    def __init__(self, model: nn.Module) -> None:
        if not (hasattr(model, "mask_head") and hasattr(model, "refine_head")):
            raise ConfigError(
                f"SiamMaskTracker got a {type(model).__name__} without mask_head and refine_head. Set MASK.MASK and "
                "REFINE.REFINE True before the model is built, or TRACK.TYPE SiamRPNTracker."
            )
        super().__init__(model)

    def _respond(self, search: Tensor) -> tuple[SiameseOutput, MaskFeatures]:
        output, _ = super()._respond(search)
        return output, MaskFeatures(self.model.mask_corr_feature, self.model.xf)


class SiamRPNLTTracker(SiamRPNTracker, siamrpn.SiamRPNLTTracker):  # type: ignore[misc]
    """SiamRPN's long-term tracker; `longterm_state` says that the target is lost."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.lost = False

    @property
    def longterm_state(self) -> bool:
        return self.lost

    @longterm_state.setter
    def longterm_state(self, value: bool) -> None:
        self.lost = value


TRACKS: dict[str, type[Any]] = {
    "SiamRPNTracker": SiamRPNTracker,
    "SiamMaskTracker": SiamMaskTracker,
    "SiamRPNLTTracker": SiamRPNLTTracker,
}
"""Tracker classes by `cfg.TRACK.TYPE`, called with a model; a program may add its own."""


def build_tracker(model: nn.Module) -> Any:
    """The tracker `cfg.TRACK.TYPE` around `model`; of the types that PySOT does not have, this package's own, whose
    answers have PySOT's keys too.
    """
    if cfg.TRACK.TYPE in TRACKS:
        return TRACKS[cfg.TRACK.TYPE](model)
    return builder.build_tracker(shared_config(), model.eval())
