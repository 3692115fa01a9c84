"""Independent reference for mixtures of t: log-likelihoods and degrees of freedom by studenttmixture.

    pip install studenttmixture==1.11; python tests/reference/student.py     # from the root, ten seconds

Writes tests/reference/student.json. Three components are left out: it knows no upper bound of them.
"""

import csv
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from studenttmixture import EMStudentMixture

COLUMNS = ["Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen"]
with Path("dataset", "wholesale_customers.csv").open() as file:
    X = np.log1p([[float(row[column]) for column in COLUMNS] for row in csv.DictReader(file)])
X = (X - X.mean(axis=0)) / X.std(axis=0)

found = {}
for k in (1, 2):
    settings = {"tol": 1e-9, "reg_covar": 1e-9, "max_iter": 20000, "fixed_df": False, "n_init": 8}
    fit = EMStudentMixture(n_components=k, random_state=1, **settings)
    fit.fit(X)
    found[k] = {"loglik": float(fit.score_samples(X).sum()), "dofs": sorted(map(float, fit.df_))}
packages = ("studenttmixture", "numpy", "scipy")
reference = {"versions": {package: version(package) for package in packages}, "settings": settings} | found
Path("tests", "reference", "student.json").write_text(json.dumps(reference, indent=2) + "\n")
