"""Agencies and their people: roles, role links, logins and the signed tokens that open a room. No expo content here."""
