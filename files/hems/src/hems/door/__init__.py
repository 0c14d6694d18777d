"""The door's log-in: the page that stands before InfluxDB's pages and the file editor."""
