"""Rows: connections, transactions, column types and migrations. Knows no feature; features bring their own tables."""
