"""What a code, a component, a value or a whole plan means, as text."""
