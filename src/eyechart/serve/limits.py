"""How much one request may bring, and how many requests there may be."""

from __future__ import annotations

from eyechart.schema import Frozen


class Limits(Frozen):
    """What is more is answered with a status of 4xx that says so."""

    body_bytes: int = 16 * 2**20  # a phone's photo has 3 to 12 MB
    body_seconds: float = 15.0  # from a request's first byte to its last
    pixels: int = 40_000_000  # of a picture, decoded
    json_pixels: int = 1_000_000  # of one that comes as numbers
    parts: int = 8  # of a form: files and fields together
    things: int = 60  # on one picture that are read one by one
    waiting: int = 128  # pictures that wait for their answers, the one that is read included
    answer_seconds: float = 20.0  # until a waiting picture is answered
    looking: int = 8  # pictures that wait for maps of where the contenders looked
    looking_seconds: float = 60.0  # until these are there; the first time, captum is imported and networks are copied
    per_second: float = 200.0  # requests of one address, on average
    burst: int = 400  # requests of one address at once
