"""The house's time server (SNTP, RFC 4330): it tells the clock of the machine that it runs on."""
