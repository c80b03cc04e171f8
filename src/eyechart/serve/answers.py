"""What the server says, as records: FastAPI writes them as JSON and describes them in /openapi.json."""

from __future__ import annotations

from typing import Literal

from eyechart.schema import Frozen, Task
from eyechart.words.remarks import Remark

Reading = Literal["one", "line"]
How = Literal["whole", "components", "detector"]


class Said(Frozen):
    """A sentence in both languages."""

    en: str
    fr: str


class ClassProbability(Frozen):
    """After the run's temperature."""

    label: str
    probability: float  # 0..1


class Box(Frozen):
    """What a detector found."""

    label: str
    score: float  # 0..1
    box: tuple[float, float, float, float]  # left, top, right, bottom in the picture's own pixels


class ContenderAnswer(Frozen):
    """What one contender says of a picture, or of one thing on it."""

    run: str
    contender: str
    label: str | None  # the most probable class; null: see `remark`
    probability: float | None
    classes: tuple[ClassProbability, ...] = ()  # most probable first
    remark: Remark | None = None  # why there is no class
    said: Said | None = None  # the remark in words
    boxes: tuple[Box, ...] = ()
    milliseconds: float  # that this network took; of a thing on a line, its share


class Agreement(Frozen):
    """Who says the same."""

    label: str | None  # what most say; null: nobody named a class, or as many say something else
    num_agree: int
    num_asked: int


class Thing(Frozen):
    """One of several things on a picture."""

    box: tuple[float, float, float, float]  # left, top, right, bottom in the picture's own pixels
    seen: str | None  # data URL of a PNG: what the networks got; null: a detector read the whole picture
    contenders: tuple[ContenderAnswer, ...]
    agreement: Agreement


class LineText(Frozen):
    """What one contender reads, in reading order."""

    run: str
    contender: str
    labels: tuple[str | None, ...]  # null: it named no class there
    milliseconds: float


class StepPicture(Frozen):
    """One step of preparing."""

    name: str
    words: str
    picture: str  # data URL of a PNG


class PictureAnswers(Frozen):
    """What all contenders say of one picture."""

    reading: Reading
    how: How  # whole: as one thing; components: things that stand apart; detector: by its boxes
    width: int  # of the upright picture, pixels
    height: int
    seen: str | None = None  # data URL of a PNG: what the first contender got; null: refused, or a line
    steps: tuple[StepPicture, ...] = ()  # where they were asked for
    contenders: tuple[ContenderAnswer, ...] = ()  # of reading "one"
    agreement: Agreement | None = None
    things: tuple[Thing, ...] = ()  # of reading "line", in reading order
    lines: tuple[LineText, ...] = ()
    milliseconds: float  # from the picture's bytes to this answer, waiting left out


class ContenderMap(Frozen):
    """Where one contender looked on a picture."""

    run: str
    contender: str
    method: Literal["grad-cam", "attention rollout"] | None = None  # null: there is no map, and `said` says why
    label: str | None = None  # the class that the map speaks for; null: attention, which knows of none
    map: str | None = None  # data URL of a PNG with transparency, a pixel for one of the dataset's images
    said: Said | None = None
    milliseconds: float = 0.0


class PictureMaps(Frozen):
    """Where all contenders looked on a picture that shows one thing."""

    width: int  # of the upright picture, pixels
    height: int
    box: tuple[float, float, float, float] | None = None  # where the maps lie on it: left, top, right, bottom, uncut
    maps: tuple[ContenderMap, ...] = ()
    said: Said | None = None  # why there are none at all: blank, several things, ...
    milliseconds: float


class ContenderCard(Frozen):
    """Who answers."""

    run: str
    contender: str
    title: str
    colour: str  # #RRGGBB
    mark: str  # one character
    is_detector: bool


class StudyCard(Frozen):
    """What the page needs to know before anybody draws."""

    study: str
    task: Task
    dataset: str
    classes: tuple[str, ...]
    height: int  # of the dataset's images, pixels
    width: int
    channels: int
    is_ink: bool  # pictures are prepared
    readings: tuple[Reading, ...]
    line_by: How | None  # how a line is read
    contenders: tuple[ContenderCard, ...]
    has_maps: bool = False  # /api/looked is to be had
    report: str | None  # its address
    api: str | None  # address of what describes this server to programs; null: there is no server
    max_bytes: int
    max_pixels: int
    version: str


class GalleryImage(Frozen):
    """A test image."""

    index: int  # in the test part
    label: str  # what it shows
    loss: float  # nats, mean over the contenders
    named: dict[str, str]  # run: the class that it named
    picture: str  # data URL of a PNG


class Gallery(Frozen):
    """The test images that cost the contenders most."""

    images: tuple[GalleryImage, ...]
    left_out: str = ""  # why there are none
