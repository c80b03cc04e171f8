"""The page of `eyechart serve` as a folder for any static server: networks answer in the browser itself.

    folder.py    writes the folder, whole or not at all         runtime.py   ONNX Runtime Web, pinned and checked
    page/        what takes the server's place: networks beside the page, and the preparing of pictures in JavaScript

The page itself is that of serve/page; only back.js is another.
"""
