"""Segment wholesale customers by what they spend: three models, one answer a person can act on."""
