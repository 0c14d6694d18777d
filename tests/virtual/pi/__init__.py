"""The virtual Pi: a Debian trixie system container that stands for a freshly prepared Raspberry Pi.

`python3 -m tests.virtual.pi --help` lists its commands; the Makefile and Molecule call them.
Standard library only: it runs before .venv exists.
"""
