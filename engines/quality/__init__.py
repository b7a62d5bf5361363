"""PreFIQs itself: aligned face image, embedding shift, quality score. Pure."""
