"""eeSmart D2L dongles: they read a Linky meter and send it, encrypted, over TCP."""
