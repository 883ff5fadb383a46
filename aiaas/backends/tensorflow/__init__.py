"""TensorFlow, through Keras: networks over pictures, texts and rows."""
