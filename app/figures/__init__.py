"""What the first page says in numbers, each by few grouped statements, and the rows behind each."""
