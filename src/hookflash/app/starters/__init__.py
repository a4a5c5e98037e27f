"""What `init` writes from: one file of raw material for each kind of business, and the templates."""
