"""aiaas: one YAML recipe carries a model from raw data to an API that others call."""

__version__ = "0.1.0"
