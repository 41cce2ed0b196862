"""The server over vot-trax, asked by our own client: another process, as for the VOT toolkit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.toolkit.vot.sessions import command, environment, red_frames
from toolkit.regions import Mask, Polygon, Rectangle, parse_region
from toolkit.vot.client import TraxClient
from toolkit.vot.server import TraxError, require_trax, serve
from toolkit.vot.wire import image_text

PLACES = [(5, 6), (20, 10), (30, 20), (40, 30)]


def start(command_words: list[str]) -> TraxClient:
    pytest.importorskip("trax", reason="vot-trax is not installed")
    return TraxClient(command_words, timeout=30, env=environment())


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trax", None)
    with pytest.raises(TraxError, match=r"pip install 'pysot-toolkit\[vot\]'"):
        require_trax()
    with pytest.raises(TraxError, match="vot-trax"):
        serve(lambda: None, "rectangle", "x", {})  # type: ignore[arg-type,return-value]


def test_boxes_in_every_image_format_and_a_target_that_appears_later(tmp_path: Path) -> None:
    frames = red_frames(tmp_path, PLACES)
    with start(command(tmp_path)) as client:
        assert client.hello["trax.name"] == "a 'red' one" and client.hello["made.by"] == "test"
        assert client.hello["trax.region"] == "rectangle;" and client.hello["trax.multiobject"] == "1"
        forms = client.hello["trax.image"].split(";")[:3]
        assert sorted(forms) == ["buffer", "memory", "path"]
        (state,) = client.frame(image_text(frames[0][1], "path", frames[0][0]), [Rectangle(5, 6, 8, 9)])
        assert parse_region(state.arguments[0]) == Rectangle(5, 6, 8, 9)
        for form, (path, frame), (x, y) in zip(forms, frames[1:], PLACES[1:], strict=True):  # blue would be elsewhere
            (state,) = client.frame(image_text(frame, form, path))
            assert parse_region(state.arguments[0]) == Rectangle(x, y, 8, 9), form
            assert float(state.properties["confidence"]) == 0.5
        states = client.frame(image_text(frames[0][1], "path", frames[0][0]), [Rectangle(1, 2, 3, 4)])
        assert [parse_region(one.arguments[0]) for one in states] == [Rectangle(5, 6, 8, 9), Rectangle(1, 2, 3, 4)]
        assert len(client.frame(image_text(frames[1][1], "path", frames[1][0]))) == 2
        assert client.quit() == 0


def test_masks(tmp_path: Path) -> None:
    frames = red_frames(tmp_path, PLACES)
    given = np.zeros((40, 60), bool)
    given[6:14, 5:13] = True
    with start(command(tmp_path, "mask")) as client:
        texts = [image_text(frame, "path", path) for path, frame in frames]
        (state,) = client.frame(texts[0], [Mask(given)])
        back = parse_region(state.arguments[0].replace("mask:", "m"))
        assert isinstance(back, Mask) and (back.x, back.y, back.bits.shape) == (5, 6, (8, 8)) and back.bits.all()
        (state,) = client.frame(texts[3])
        assert state.arguments[0] == "mask:40,30,8,8,0,64"
        with pytest.raises(TraxError, match=r"an empty mask for object 2\. Send a region that holds the target"):
            client.frame(texts[1], [Mask(np.zeros((40, 60), bool))])
        assert client.process.wait(30) == 2


def test_a_rotated_box_is_told_as_one(tmp_path: Path) -> None:
    turned = (
        "return {'bbox': (x, y, 8, 8), 'best_score': 1.0, 'polygon': [x, y, x + 9, y + 1, x + 8, y + 9, x - 1, y + 8]}"
    )
    frames = red_frames(tmp_path, PLACES[:2])
    with start(command(tmp_path, "polygon", turned)) as client:
        square = Polygon(np.array([[5.0, 6], [13, 6], [13, 14], [5, 14]]))
        client.frame(image_text(frames[0][1], "path", frames[0][0]), [square])
        (state,) = client.frame(image_text(frames[1][1], "path", frames[1][0]))
        region = parse_region(state.arguments[0])
        assert isinstance(region, Polygon) and region.points.tolist() == [[20, 10], [29, 11], [28, 19], [19, 18]]


def test_the_traceback_reaches_the_client(tmp_path: Path) -> None:
    frames = red_frames(tmp_path, PLACES[:2])
    with start(command(tmp_path, track="raise KeyError('said \"no\"\\nin two lines')")) as client:
        client.frame(image_text(frames[0][1], "path", frames[0][0]), [Rectangle(5, 6, 8, 8)])
        with pytest.raises(TraxError) as told:
            client.frame(image_text(frames[1][1], "path", frames[1][0]))
    assert "Traceback (most recent call last):" in str(told.value) and "in track" in str(told.value)
    assert 'said "no"' in str(told.value) and "KeyError" in str(told.value)


def test_a_client_that_dies_or_sends_no_image(tmp_path: Path) -> None:
    frames = red_frames(tmp_path, PLACES[:2])
    words = command(tmp_path)
    with start(words) as client:
        client.frame(image_text(frames[0][1], "path", frames[0][0]), [Rectangle(5, 6, 8, 8)])
        client.frame(image_text(frames[1][1], "path", frames[1][0]))
        assert client.process.stdin is not None
        client.process.stdin.close()
        assert client.process.wait(30) == 2
    assert "trax: The TraX client is gone after 1 frames" in "\n".join(client.output)
    with start(words) as client, pytest.raises(TraxError, match=r"nowhere\.png: this frame does not exist"):
        client.frame(f"file://{tmp_path / 'nowhere.png'}", [Rectangle(5, 6, 8, 8)])


def test_a_program_that_never_says_hello(tmp_path: Path) -> None:
    with pytest.raises(TraxError, match=r"ended before it said 'hello'. Its exit code is 3(.|\n)*no weights"):
        TraxClient([sys.executable, "-c", "import sys; print('no weights', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(TraxError, match=r"said nothing for 0\.2 s; expected 'hello'"):
        TraxClient([sys.executable, "-c", "import time; time.sleep(20)"], timeout=0.2)
