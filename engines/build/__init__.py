"""From a catalogue entry to a finished, verified engine pair."""
