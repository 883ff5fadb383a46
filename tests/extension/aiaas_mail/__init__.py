"""Ratings of what customers write by mail: what a package may add to aiaas, one module each."""
