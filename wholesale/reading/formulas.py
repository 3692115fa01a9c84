"""Text that a spreadsheet would run as a formula, guarded so that it does not, and restored.

A cell that begins with one of ``= + - @``, a tab or a carriage return gets an apostrophe before it, unless it
is a number (OWASP, "CSV Injection"). So that this can be undone, text that begins with apostrophes and then
one of these gets one more.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import GRAMMARS
from wholesale.columns import ANSWERS

_NUMBERS = "|".join(GRAMMARS.values())
_RUNS = r"^'*[=+\-@\t\r]"
_GUARDED = r"^'+[=+\-@\t\r]"
_STARTS = np.isin(np.arange(256), [ord(sign) for sign in "'=+-@\t\r"])


def guard(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Put an apostrophe before text that a spreadsheet would run; numbers stay as they are."""
    if not _may_run(text):
        return text
    runs = pc.and_not(pc.match_substring_regex(text, _RUNS), pc.match_substring_regex(text, _NUMBERS))
    return pc.if_else(runs, pc.binary_join_element_wise("'", text, ""), text)


def restore(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Undo `guard`."""
    if not _may_run(text):
        return text
    return pc.if_else(pc.match_substring_regex(text, _GUARDED), pc.utf8_slice_codeunits(text, 1), text)


def _may_run(text: pa.ChunkedArray) -> bool:
    """Say quickly whether any cell begins with a sign that matters: most columns have none."""
    return any(_STARTS[_first_bytes(chunk)].any() for chunk in text.chunks)


def _first_bytes(text: pa.StringArray) -> np.ndarray:
    offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    starts = offsets[:-1][np.diff(offsets) > 0]
    return np.frombuffer(text.buffers()[2] or b"", dtype=np.uint8)[starts]


def is_ours(names: Iterable[str]) -> bool:
    """Say whether a header is that of a scored file, whose text is guarded."""
    return set(ANSWERS) <= set(names)


def guard_names(names: list[str]) -> list[str]:
    """Guard a header."""
    return guard(pa.chunked_array([names], pa.string())).to_pylist()


def restore_names(names: list[str]) -> list[str]:
    """Undo `guard_names`."""
    return restore(pa.chunked_array([names], pa.string())).to_pylist()
