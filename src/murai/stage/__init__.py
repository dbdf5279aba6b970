"""The live show: what a performer plays."""
