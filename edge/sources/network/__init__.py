"""What is asked of a network camera before and after it is opened: who it is, what went wrong."""
