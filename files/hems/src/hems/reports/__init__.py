"""What services' own status files say, as issues: a module for each that an entry may name.

It has ``look(now, kind)``: ``now`` is monotonic seconds, ``kind`` gives an issue of the service's
entry by its code. It returns the issues, and raises nothing whatever is in the file.
"""
