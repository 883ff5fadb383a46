"""PyTorch: encoders of the transformers library, fine-tuned or asked for vectors."""
