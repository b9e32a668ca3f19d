"""Labelled anomalies: kinds that JKN auditors know, put into normal claims at a set rate, with the truth beside them.

No scorer imports this package, and the truth that it makes goes into a file that no scorer reads.
"""
