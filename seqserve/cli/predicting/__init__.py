"""`seqserve predict`: the command line of seqserve.bulk; processes, a server or a cluster predict."""
