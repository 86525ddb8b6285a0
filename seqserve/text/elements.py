"""The elements of HTML by how they are read.

Source: HTML Living Standard, and the elements that it calls obsolete.
"""

from __future__ import annotations

import re


def names(listed: str) -> frozenset[str]:
    """Return the names of a list with spaces."""
    return frozenset(re.findall(r"\S+", listed))


BLOCKS = names(
    """
    address article aside audio base blockquote body br button canvas caption center col colgroup dd
    details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4
    h5 h6 head header hgroup hr html iframe legend li link listing main map math menu meta nav noembed
    noframes noscript object ol optgroup option p param plaintext pre script search section select
    source style summary svg table tbody td template textarea tfoot th thead title tr track ul video xmp
    """
)
"""Elements that end a passage. Unknown elements, such as `<my-icon>`, do not."""

COPIED = names(
    """
    canvas code iframe kbd listing math noembed noframes object plaintext pre samp script style svg
    textarea tt var xmp
    """
)
"""Elements whose content is no prose."""

VOID = names(
    """
    area base br col embed frame hr img input link meta param source track wbr
    """
)
"""Elements without content and end tag."""
