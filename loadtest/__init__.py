"""Load tests over HTTP: realistic traffic, profiles with objectives, reports.

Imports nothing else of this project: it runs where only requirements/load.txt is installed.
"""
