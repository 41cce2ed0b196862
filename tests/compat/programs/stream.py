"""Web streamer: serves the tracked video as motion JPEG on a port of this machine, once."""

import argparse
from glob import glob
from http.server import BaseHTTPRequestHandler, HTTPServer
from os.path import join

import cv2
import numpy as np

from pysot.core.config import cfg
from pysot.models.model_builder import ModelBuilder
from pysot.tracker.tracker_builder import build_tracker
from pysot.utils.model_load import load_pretrain

parser = argparse.ArgumentParser()
parser.add_argument("--config")
parser.add_argument("--snapshot")
parser.add_argument("--images")
parser.add_argument("--box", type=lambda text: tuple(map(float, text.split(","))))
args = parser.parse_args()

cfg.merge_from_file(args.config)
cfg.CUDA = False
tracker = build_tracker(load_pretrain(ModelBuilder(), args.snapshot).eval())


def pictures():
    for index, path in enumerate(sorted(glob(join(args.images, "*.png")))):
        frame = cv2.imread(path)
        if index == 0:
            tracker.init(frame, args.box)
            box = args.box
        else:
            box = dict(tracker.track(frame))["bbox"]
        left, top, width, height = map(int, box)
        cv2.rectangle(frame, (left, top), (left + width, top + height), (0, 255, 0), 2)
        yield box, cv2.imencode(".jpg", frame)[1].tobytes()


class Stream(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for box, picture in pictures():
            head = f"--frame\r\nContent-Type: image/jpeg\r\nX-Box: {np.array(box).tolist()}\r\n\r\n"
            self.wfile.write(head.encode() + picture + b"\r\n")

    def log_message(self, *words):
        pass


server = HTTPServer(("127.0.0.1", 0), Stream)
print(server.server_port, flush=True)
server.handle_request()
