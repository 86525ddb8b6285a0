"""Extended grapheme clusters: what a reader takes for one character, such as `é`, 🇫🇷 or 👩‍🚀."""

from __future__ import annotations

CLUSTER = r"(?:\p{Regional_Indicator}{1,2}+[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}]*+|\X)"
r"""A pattern for one cluster, where it is applied from cluster to cluster.

Flags are read in pairs here, because `\X` counts the letters before every letter of a flag: its time is
quadratic in the number of flags, and 100,000 of them take minutes.

Source: Unicode Standard Annex 29, section 3.1.1.
"""
