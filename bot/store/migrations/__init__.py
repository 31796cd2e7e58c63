"""The schema's history, one file a step. A file that has been released is never changed or moved."""
