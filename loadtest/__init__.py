"""Load over HTTP: realistic traffic, profiles with objectives, reports with verdicts.

Knows the HTTP API and nothing else of this project; it runs where only requirements/load.txt is installed.
"""
