"""What a team does before launch and every two weeks: evaluate, and train the heads again."""
