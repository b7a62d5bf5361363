"""A bounded memory of every face that was seen, forwarded or not, for tuning."""
