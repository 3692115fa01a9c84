"""The notebooks are run as their readers run them: with Python's own filter of warnings."""

import os

os.environ.pop("PYTHONWARNINGS", None)
