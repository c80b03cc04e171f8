"""Where the contenders looked on a drawing: maps for the page, made beside the answers and never before them.

Our own Vision Transformer is asked by attention rollout, other classifiers by Grad-CAM; a detector's boxes say it
already.  Each network is copied when maps are first asked for, because looking hooks into layers that answer others at
the same time.  The thread that looks waits while a drawing is being answered.  It has the priority of all others: one
that is put off by the system while it holds the interpreter's lock would put off the answers as well.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

from PIL import Image

from eyechart.base.errors import MissingError
from eyechart.files.pictures import png_url
from eyechart.inference.seeing import Source
from eyechart.report.looked.overlay import transparent
from eyechart.serve.answers import ContenderMap, PictureMaps, Said
from eyechart.serve.reading import NAME, Reader, one_thread, said_of, seen_or_refused, since
from eyechart.words.speech import spaced

if TYPE_CHECKING:
    from eyechart.inference.prediction import PicturePredictor
    from eyechart.inference.seeing import Seen
    from eyechart.insight.asked import AskedModel

PATIENCE = 5.0  # seconds that a map waits for answers at most
BOXES = Said(en="its boxes say where it looked", fr="ses boîtes disent où il a regardé")
NO_MAP = Said(
    en="has no map of 3 × 3 cells or more to look at", fr="n'a pas de carte d'au moins 3 × 3 cases à regarder"
)
NO_CAPTUM = Said(
    en='Grad-CAM needs captum, which is not installed: pip install "eyechart[explain]"',
    fr=spaced("Grad-CAM a besoin de captum, qui n'est pas installé : ") + 'pip install "eyechart[explain]"',
)


class Looker:
    """The reader's contenders, asked where they looked."""

    def __init__(self, reader: Reader):
        self._reader = reader
        self._asked: dict[int, AskedModel] = {}  # by place in the panel

    @property
    def has_maps(self) -> bool:
        return not self._reader.is_detection

    def maps(self, content: bytes) -> PictureMaps:
        """Of a picture of one thing.  Raises Refused for one that cannot be read."""
        started = time.perf_counter()
        one_thread()
        predictors = self._reader.panel.predictors
        views = [seen_or_refused(seen[0]) for seen in self._reader.panel.see([Source(NAME, content)])]
        first = views[0]
        if first.pixels is None:
            assert first.refusal, "what is not refused has pixels"
            said = said_of(first.refusal, first.num_things, predictors[0].facts.classes)
            return PictureMaps(
                width=first.own_size[1], height=first.own_size[0], said=said, milliseconds=since(started)
            )
        maps = tuple(
            self._map(place, each, seen) for place, (each, seen) in enumerate(zip(predictors, views, strict=True))
        )
        left, top, right, bottom = first.frame_in_own_pixels.tolist()
        return PictureMaps(
            width=first.own_size[1],
            height=first.own_size[0],
            box=(left, top, right, bottom),
            maps=maps,
            milliseconds=since(started),
        )

    def _map(self, place: int, predictor: PicturePredictor, seen: Seen) -> ContenderMap:
        self._reader.is_idle.wait(PATIENCE)
        started = time.perf_counter()
        found = self._looked(place, predictor, seen)
        named = {"run": predictor.facts.run, "contender": predictor.facts.contender}
        return found.model_copy(update={**named, "milliseconds": since(started)})

    def _looked(self, place: int, predictor: PicturePredictor, seen: Seen) -> ContenderMap:
        from eyechart.evaluation.predict import to_device
        from eyechart.insight.methods import cannot_ask, explain

        nobody = ContenderMap(run="", contender="")
        if seen.pixels is None:  # by this contender's ink, which is not the first one's
            assert seen.refusal, "what is not refused has pixels"
            said = said_of(seen.refusal, seen.num_things, predictor.facts.classes)
            return nobody.model_copy(update={"said": said})
        if predictor.gives_boxes:
            return nobody.model_copy(update={"said": BOXES})
        asked = self._asked_model(place, predictor)
        image = to_device(seen.pixels[None], asked.device)
        reasons = cannot_ask(asked, image)
        method: Any = "grad-cam" if "attention rollout" in reasons else "attention rollout"
        if method in reasons:
            return nobody.model_copy(update={"said": NO_MAP})
        answer = int(asked.probabilities(image)[0].argmax())
        try:
            values = explain(asked, image, answer, [method]).maps[method].values
        except MissingError:
            return nobody.model_copy(update={"said": NO_CAPTUM})
        label = predictor.facts.classes[answer] if method == "grad-cam" else None
        url = png_url(Image.fromarray(transparent(values)))
        return nobody.model_copy(update={"method": method, "label": label, "map": url})

    def _asked_model(self, place: int, predictor: PicturePredictor) -> AskedModel:
        """A copy of its network that may be looked into."""
        from eyechart.inference.predictor import NetworkPredictor
        from eyechart.insight.asked import AskedModel

        if place not in self._asked:
            network = predictor.network
            assert isinstance(network, NetworkPredictor), "eyechart serve opens runs"
            self._asked[place] = AskedModel(copy.deepcopy(network.model), network.device)  # type: ignore[arg-type]
        return self._asked[place]
