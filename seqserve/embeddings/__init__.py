"""Word vectors on their own: learnt from text, stored, queried, grouped, drawn, and freed of a bias.

Queries need numpy only; learning needs gensim or torch, and clusters and maps need scikit-learn.
"""
