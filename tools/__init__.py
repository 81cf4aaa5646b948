"""Writers of pages that are made from what the code says or does."""
