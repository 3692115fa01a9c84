"""Text that a spreadsheet would run as a formula, guarded so that it does not, and restored.

A cell that begins with one of ``= + - @``, a tab or a carriage return gets an apostrophe before it, unless it
is a number (OWASP, "CSV Injection"). So that this can be undone, text that begins with apostrophes and then
one of these gets one more.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wholesale.amounts import GRAMMARS
from wholesale.reading.dialect import offsets_of

_NUMBERS = "|".join(GRAMMARS.values())
_STARTS = np.isin(np.arange(256), [ord(sign) for sign in "'=+-@\t\r"])


def guard(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Put an apostrophe before text that a spreadsheet would run; numbers stay as they are."""
    if not _may_run(text):
        return text
    runs = pc.match_substring_regex(text, r"^'*[=+\-@\t\r]")
    runs = pc.and_not(runs, pc.match_substring_regex(text, _NUMBERS))
    return pc.if_else(runs, pc.binary_join_element_wise("'", text, ""), text)


def restore(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Undo `guard`."""
    if not _may_run(text):
        return text
    guarded = pc.match_substring_regex(text, r"^'+[=+\-@\t\r]")
    return pc.if_else(guarded, pc.utf8_slice_codeunits(text, 1), text)


def _may_run(text: pa.ChunkedArray) -> bool:
    """Say quickly whether any cell begins with a sign that matters: most columns have none."""
    for chunk in text.chunks:
        offsets = offsets_of(chunk)
        starts = offsets[:-1][np.diff(offsets) > 0]
        if _STARTS[np.frombuffer(chunk.buffers()[2] or b"", dtype=np.uint8)[starts]].any():
            return True
    return False
