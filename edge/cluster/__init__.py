"""An archive scored by many machines: the client, the parts of the work, files written by parts."""
