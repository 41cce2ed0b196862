"""Messages, images and starts, without another process."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from toolkit.datasets.frames import Image
from toolkit.errors import FrameError, ProtocolError
from toolkit.protocols.tracker import TrackerLike
from toolkit.regions import Mask, Polygon, Rectangle, Special, initial_box
from toolkit.vot.images import from_pixels, read_frame
from toolkit.vot.objects import Objects, box_of
from toolkit.vot.wire import Message, format_message, parse_message, region_text


def test_messages_are_lines() -> None:
    recorded = (
        '@@TRAX:hello "trax.name=a b" "trax.image=path;memory;" "trax.description=de \\"x\\"" "trax.version=4" \n'
    )
    assert parse_message(recorded) == Message(
        "hello",
        (),
        {"trax.name": "a b", "trax.image": "path;memory;", "trax.description": 'de "x"', "trax.version": "4"},
    )
    assert parse_message("loading weights\n") is None
    awkward = 'a "quoted"\nline \\n with back\\slashes'
    line = format_message("quit", ["1,2,3,4"], {"trax.reason": awkward})
    assert line.count("\n") == 1 and parse_message(line) == Message("quit", ("1,2,3,4",), {"trax.reason": awkward})
    assert parse_message('@@TRAX:state "1.5,2,3,4" "confidence=0.5"') == Message(
        "state", ("1.5,2,3,4",), {"confidence": "0.5"}
    )
    bits = np.zeros((20, 30), bool)
    bits[3:6, 4:9] = True
    assert region_text(Mask(bits)) == "mask:0,0,30,20,94,5,25,5,25,5,441"


class Sent:
    """Stands for an image object of vot-trax."""

    def __init__(self, kind: str, content: object) -> None:
        self.kind, self.content = kind, content

    def type(self) -> str:
        return self.kind

    def buffer(self) -> object:
        return self.content

    def array(self) -> object:
        return self.content


def test_images_become_bgr() -> None:
    rgb = np.zeros((4, 5, 3), np.uint8)
    rgb[..., 0] = 200
    assert read_frame(Sent("memory", rgb))[0, 0].tolist() == [0, 0, 200]
    gray = np.full((4, 5, 1), 65535, np.uint16)
    assert from_pixels(gray).shape == (4, 5, 3) and from_pixels(gray).max() == 255
    png = cv2.imencode(".png", rgb)[1].tobytes()
    assert read_frame(Sent("buffer", png))[0, 0].tolist() == [200, 0, 0]
    with pytest.raises(FrameError, match="buffer of 9 bytes is neither JPEG nor PNG"):
        read_frame(Sent("buffer", b"not image"))
    with pytest.raises(FrameError, match="no color image but url; expected one of: path"):
        read_frame(Sent("url", ""))
    with pytest.raises(FrameError, match="no color image but none"):
        read_frame(None)


def test_a_target_starts_where_pysot_test_starts_it() -> None:
    corners = np.array([[30.0, 10], [70, 30], [60, 60], [20, 40]])
    assert box_of(Polygon(corners), "it") == pytest.approx(initial_box(corners.reshape(-1)))
    assert box_of(Rectangle(1, 2, 3, 4), "it") == (1, 2, 3, 4)
    assert box_of(Polygon(corners[:3]), "it") == (30, 10, 40, 50)
    assert box_of(Mask(np.ones((3, 4), bool), 7, 8), "it") == (7, 8, 4, 3)
    with pytest.raises(ProtocolError, match=r"code=1.*says nothing of a place for object 3"):
        box_of(Special(1), "object 3")


class Still(TrackerLike):
    def init(self, image: Image, box_xywh: object) -> None:
        self.box = box_xywh

    def track(self, image: Image) -> dict[str, object]:
        return {"bbox": self.box, "best_score": 0.25, "mask": np.eye(6, dtype=np.float32)}


def test_a_trackers_own_mask_is_its_answer() -> None:
    image = np.zeros((6, 6, 3), np.uint8)
    objects = Objects(Still, "mask")
    objects.start(image, [Rectangle(0, 0, 2, 2)])
    (state,) = objects.follow(image)
    assert isinstance(state.region, Mask) and np.array_equal(state.region.bits, np.eye(6, dtype=bool))
    assert state.confidence == 0.25
    assert (
        len(objects.start(image, [Rectangle(0, 0, 2, 2)])) == len(objects.follow(image)) == 1
    )  # the first is forgotten
    other = Objects(Still, "rectangle")
    other.start(image, [Rectangle(1, 2, 3, 4)])
    assert other.follow(image)[0].region == Rectangle(1, 2, 3, 4)
