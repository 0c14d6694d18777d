"""What needs a radio: run by `make wifi`, in a machine of its own."""
