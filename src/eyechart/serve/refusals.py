"""A request that is not answered, and why: a status of 4xx with a sentence as JSON."""

from __future__ import annotations

from starlette.exceptions import HTTPException


class Refused(HTTPException):
    """`status` 4xx; the sentence says what was found, what was expected and what to do."""

    def __init__(self, status: int, sentence: str, *, retry_after: int | None = None):
        headers = None if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, sentence, headers)
