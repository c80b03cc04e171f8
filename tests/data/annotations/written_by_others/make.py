"""How the folders beside this file were written: supervision 0.31.2 (COCO, YOLO, Pascal VOC) and pandas 3.1.1 (CSV).

Usage: python make.py NEW_FOLDER      with supervision and pandas installed, which no test needs
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import supervision as sv

CLASSES = ["cat", "dog"]
SIZES = {"a.png": (40, 30), "b.png": (25, 60), "c.png": (32, 32)}  # width, height
BOXES = {"a.png": [(2, 3, 12, 23, 0), (20, 5, 40, 30, 1)], "b.png": [(0, 10, 25, 50, 1)], "c.png": []}


def main(root: Path) -> None:
    source = root / "source"
    source.mkdir(parents=True)
    annotations = {}
    for name, (width, height) in SIZES.items():
        picture = np.full((height, width, 3), 30, np.uint8)
        for left, top, right, bottom, label in BOXES[name]:
            picture[top:bottom, left:right] = (0, 200, 90) if label else (220, 220, 220)
        cv2.imwrite(str(source / name), picture)
        corners = np.array([box[:4] for box in BOXES[name]], float).reshape(-1, 4)
        labels = np.array([box[4] for box in BOXES[name]], int)
        annotations[str(source / name)] = sv.Detections(xyxy=corners, class_id=labels)
    images = [str(source / name) for name in SIZES]
    dataset = sv.DetectionDataset(classes=CLASSES, images=images, annotations=annotations)
    coco, yolo, voc = (root / kind / "train" for kind in ("coco", "yolo", "voc"))
    dataset.as_coco(str(coco), str(coco / "_annotations.coco.json"))
    dataset.as_yolo(str(yolo / "images"), str(yolo / "labels"), str(root / "yolo" / "data.yaml"))
    dataset.as_pascal_voc(str(voc), str(voc))
    (root / "csv").mkdir()
    columns = ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
    rows = [(name, *SIZES[name], CLASSES[box[4]], *box[:4]) for name, boxes in BOXES.items() for box in boxes]
    pd.DataFrame(rows, columns=columns).to_csv(root / "csv" / "boxes.csv", index=False)
    for name in SIZES:
        shutil.copy(source / name, root / "csv" / name)
    shutil.rmtree(source)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
