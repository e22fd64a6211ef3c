"""The rows of the matrix, by what goes wrong."""
