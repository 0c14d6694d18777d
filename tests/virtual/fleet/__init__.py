"""A fleet without its sites: the operator with keys and a checkout, and the git server."""
