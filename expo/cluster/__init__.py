"""What the workers share: Valkey, its keys, who is there. No product word may be used here."""
