"""What comes from outside is held in bounds: budgets of pixels, and a process for each camera."""
