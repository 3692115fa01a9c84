"""Any file of customers, by pyarrow and without pandas: which rows are customers, which are not, and why."""

from wholesale.reading.customers import CustomerFile, open_customers, read_customers, read_tables, whole
from wholesale.reading.form import Settings
from wholesale.reading.header import ReadError
from wholesale.reading.sorting import Part, read_block

__all__ = [
    "CustomerFile",
    "Part",
    "ReadError",
    "Settings",
    "open_customers",
    "read_block",
    "read_customers",
    "read_tables",
    "whole",
]
