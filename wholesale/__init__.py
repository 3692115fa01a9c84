"""Segment wholesale customers by what they spend: three models, one answer a person can act on.

How the house is built: two halves that meet in one file, ``models/predictor.json``.
Shared: `columns` (categories, models), `amounts`, `wording`, `palette`, `criteria`, `manifest`.
Fitting, on scikit-learn: `data` and `preprocessing` give a matrix, `models` fits it, `segments` numbers and
names what was found, `evidence` argues for a number of segments, and `bundle` trains, saves and loads it all.
Answering, on NumPy alone: `predictor` loads the numbers, `predict` answers, `explain` says why; `reading`
reads any file, `scoring` scores it, `app` is the page and its server.
On top of both: `customers` (a file as a table), `plots`, `report`, and `cli`, the commands.
The walks through it, and where to add what: ``docs/architecture.md``.
"""
