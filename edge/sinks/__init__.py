"""Where faces go: folder, HTTP, MQTT, standard output."""
