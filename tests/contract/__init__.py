"""The cache contract, sentence by sentence."""
