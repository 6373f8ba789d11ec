"""What operators are told of before their customers tell them: measured, weighed, told of by two
ways, on change and now and then, never each minute."""
