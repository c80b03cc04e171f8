"""The page on which one draws and all contenders of a study answer, and the server behind it.

    start.py     an address that is free, until Ctrl-C          page/       HTML, CSS and JavaScript, as they are
    app.py       which address gives what                       gate.py     who may ask, how much, how often
    uploads.py   a request's body becomes a picture             worker.py   one picture at a time, beside the event loop
    reading.py   one picture: what everybody says of it         answers.py  the records that go out
    card.py      who answers, and for what                      gallery.py  the hardest test images
    report_files.py   the study's report

Needs the packages of the extra "serve"; eyechart.cli.serve says so where they are missing.
"""
