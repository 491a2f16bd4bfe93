"""Deciding how a program runs: plans as data, and how they are made, checked and chosen."""
