"""WHO IS ASKING: parse, call, show. Fronts hold no behaviour of their own."""
