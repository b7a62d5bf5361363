"""What was seen by the hour, what happened, and what people marked: numbers and words, no faces."""
