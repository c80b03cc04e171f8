"""Audits: does eyechart itself deserve the trust that it asks for?  Rule 12 of the protocol.

    python -m audits                          all that are not in records/audit.json yet for this commit
    python -m audits a_against_a              these, whatever is there
    python -m audits --list                   their names and claims
    python -m audits --tiny --output /tmp/audit.json    small sizes, as the tests run them

catalog        every audit by name
settings       what whoever runs them decides; what an audit answers
a_against_a    the same contender against itself, trained and made up: how often is one called better?
made_up        contenders that are alike by construction
sabotage       shuffled labels; nothing may be learnt from them
same_time      the same recipe under two names: do the clocks agree?
test_part      nothing was chosen on the test part
oracles        our figures against those of scikit-learn, pycocotools and statsmodels
boxes          random boxes, and what pycocotools says of them
small_mnist, trainings    tiny but real runs
record, table  records/audit.json, and the table of it in docs/verdicts.md

Everything that takes long is kept below runs/audits/ and is not done again.
"""
