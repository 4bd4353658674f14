"""The demonstration: seed rows and a synthetic exhibitor over the real paths; nothing else in `expo` may import it."""
