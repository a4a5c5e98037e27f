"""What is measured: one detector a file, each turning a turn into signals."""
