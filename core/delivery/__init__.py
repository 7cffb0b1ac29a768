"""Parts out, in order and in time, and what people see while they wait."""
