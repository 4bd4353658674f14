"""Delegation showcases: their programme of segments, their states, their pages and what they tell a live room."""
