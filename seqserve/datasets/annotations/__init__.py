"""Exports of annotation tools as data sets in the formats of training.

A reader of `FORMATS` returns annotations: what one person said about one text. `select` keeps one per text,
`tag_text` converts entities to tags of the tokens that serving sees, `split_of` divides the texts by a hash,
and `write_set` writes the files that `seqserve train` reads.
"""
