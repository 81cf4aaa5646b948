"""Counts the calls that boto3 makes, and what AWS would bill for them."""
