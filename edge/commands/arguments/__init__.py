"""What can be said on the command line; imports nothing that is slow, so that --help is quick."""
