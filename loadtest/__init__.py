"""Load tests over HTTP: realistic traffic, profiles with objectives, reports.

It knows the API and the routes of the service, and runs where only requirements/load.txt is installed.
"""
