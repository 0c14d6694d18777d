"""State files that a power cut broke: found before the service starts, set aside, and told.

A power cut can leave a file empty, cut short, full of zeros or of something else's bytes. Before a
service starts, ``python -m hems.state_files <part> <directory>`` runs as the service's own user:
what can't be right is renamed to a dated name beside itself, the newest good copy takes its place
where the box keeps copies, and a note is left for the watchdog. docs/broken_files.md has a row for
each file.

``table`` says which files there are, ``forms`` what a good one looks like, ``core`` what to do;
``keeper`` does it and ``notes`` tells it.
"""
