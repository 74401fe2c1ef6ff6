"""Stored evidence to tables and figures: of each pair, one function shapes the table and the other draws that table."""
