"""Side-by-side measurements: the page against its rivals, one prediction against scikit-learn."""
