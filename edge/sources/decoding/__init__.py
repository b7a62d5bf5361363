"""Which pictures are made of what a camera sends, and by what."""
