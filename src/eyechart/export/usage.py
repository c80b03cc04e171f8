"""How an exported file is used, as its card tells: commands and lines of Python that can be run as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyechart.base.foreign_text import path_word

if TYPE_CHECKING:
    from pathlib import Path

    from eyechart.export.formats import FormatName
    from eyechart.schema import RunRecord

OPEN: dict[FormatName, str] = {
    "onnx": """import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("{file}")
""",
    "torchscript": """import numpy as np
import torch
from PIL import Image

network = torch.jit.load("{file}")
""",
    "safetensors": """from pathlib import Path

import numpy as np
import torch
from PIL import Image

from eyechart.export.torch_formats import open_tensors

network, card = open_tensors(Path("{file}"))  # card: classes, preprocessing, temperature
""",
}
OPEN["state-dict"] = OPEN["safetensors"]
ASK = """picture = Image.open("picture.png").convert("{mode}").resize(({width}, {height}))
pixels = np.asarray(picture, np.float32).reshape({height}, {width}, {channels}) / 255
images = pixels.transpose(2, 0, 1)[None]  # (1, C, H, W), 0..1: a batch may have any number
"""
ANSWER: dict[FormatName, str] = {
    "onnx": """probabilities{boxes} = session.run(None, {{"images": images}})
""",
    "torchscript": """with torch.inference_mode():
    probabilities{boxes} = network(torch.from_numpy(images.copy()))
""",
}
ANSWER["safetensors"] = ANSWER["state-dict"] = ANSWER["torchscript"]
NAME = "print(int(probabilities[0].argmax()), float(probabilities[0].max()))\n"


def usage(record: RunRecord, target: Path, name: FormatName) -> str:
    """Markdown: eyechart's own command where it takes the file, and a few lines of Python."""
    frame, has_boxes = record.preprocessing, record.detection is not None
    values = {
        "file": target.name.replace("\\", "\\\\").replace('"', '\\"'),
        "boxes": ", boxes, scores, labels" if has_boxes else ",",
        "mode": "L" if frame.image_channels == 1 else "RGB",
        "width": frame.image_width,
        "height": frame.image_height,
        "channels": frame.image_channels,
    }
    code = "".join(part.format(**values) for part in (OPEN[name], ASK, ANSWER[name])) + NAME
    parts = []
    if name == "onnx":
        parts.append(
            "With eyechart, which prepares pictures as the training images are and needs no torch for it:\n\n"
            f"```console\n$ eyechart predict {path_word(target.name)} picture.png\n```\n\nWith onnxruntime alone:"
        )
    elif name != "torchscript":
        parts.append("With eyechart, which builds the network that these tensors belong to:")
    parts.append(f"```python\n{code}```")
    parts.append(
        "Class ids are places in the list of classes, which stands in the file's metadata. "
        + ("Boxes are left, top, right, bottom in pixels, best first; label -1 fills up." if has_boxes else "")
    )
    return "\n\n".join(part.strip() for part in parts)
