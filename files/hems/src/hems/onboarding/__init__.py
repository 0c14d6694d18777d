"""Getting the box on WiFi."""
