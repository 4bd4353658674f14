"""The forwarding plane: RTP in from one publisher, out to many viewers. It knows no product, room, person or page."""
