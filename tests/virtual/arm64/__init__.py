"""A 64-bit ARM machine in QEMU, wholly emulated: what a real Pi's processor and kernel run."""
