"""Where frames come from: cameras that fail and come back, files, photographs."""
