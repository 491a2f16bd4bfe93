"""The demo: a small network reads 1,797 scans of handwritten digits under every schedule."""
