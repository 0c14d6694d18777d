"""How the box is: what ``hems status`` shows."""
