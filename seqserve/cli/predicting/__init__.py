"""`seqserve predict`: what answers the texts of a file, and the command line around seqserve.bulk."""
