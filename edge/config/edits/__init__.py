"""Changes of a configuration file's text beyond single numbers; comments and order stay."""
