"""A French Linky meter, whichever reader delivers it: labels, energy, entities."""
