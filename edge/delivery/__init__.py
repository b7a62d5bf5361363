"""From a forwarded face to every sink: record, outbox, dispatcher, one sender for each sink."""
